/*
title: {zh: 监测日数据, en: "Daily data of monitors"}
incremental: {dataset: monitor_values, by: data_time, grain: day, key: [mn, factor, data_time]}
*/
SELECT
  mn,
  factor,
  data_time,
  MAX(CASE WHEN field = 'Min' THEN number END) AS least,
  MAX(CASE WHEN field = 'Avg' THEN number END) AS mean,
  MAX(CASE WHEN field = 'Max' THEN number END) AS most,
  MAX(CASE WHEN field = 'Cou' THEN number END) AS amount,
  MAX(CASE WHEN field = 'ZsAvg' THEN number END) AS converted_mean,
  MAX(CASE WHEN field = 'Avg' THEN text END) AS mean_text,
  COALESCE(MAX(CASE WHEN field = 'Avg' THEN mark END), 'N') AS mark
FROM monitor_values
WHERE cn = '2031'
GROUP BY mn, factor, data_time
