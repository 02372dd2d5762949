/*
title: {zh: 标样核查, en: "Checks with standard samples (CN 2062)"}
incremental: {dataset: monitor_values, by: data_time, grain: day, key: [mn, factor, data_time]}
*/
SELECT
  mn,
  factor,
  data_time,
  MAX(CASE WHEN field = 'SampleRd' THEN number END) AS reading,
  MAX(CASE WHEN field = 'StandardValue' THEN number END) AS standard_value,
  MAX(CASE WHEN field = 'ResultType' THEN number END) AS is_passed
FROM monitor_values
WHERE cn = '2062'
GROUP BY mn, factor, data_time
