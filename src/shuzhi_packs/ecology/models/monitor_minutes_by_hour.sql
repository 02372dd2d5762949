/*
title: {zh: 由分钟数据重算的小时值, en: Hours computed again from the data of minutes}
incremental: {dataset: monitor_values, by: data_time, grain: day, key: [mn, factor, hour]}
*/
SELECT
  mn,
  factor,
  DATE_TRUNC('hour', data_time) AS hour,
  AVG(number) AS mean,
  COUNT(number) AS minutes,
  COUNT_IF(COALESCE(mark, 'N') = 'N') AS minutes_normal
FROM monitor_values
WHERE cn = '2051' AND field = 'Avg'
GROUP BY mn, factor, DATE_TRUNC('hour', data_time)
