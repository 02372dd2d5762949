/*
title: {zh: 校准、日志与原始数据, en: "When a monitor was calibrated, sent a log and sent raw data"}
*/
SELECT DISTINCT mn, data_time, 'calibration' AS duty
FROM monitor_values
WHERE mark = 'C'
UNION ALL
SELECT DISTINCT mn, data_time, 'log' AS duty
FROM observation_items
WHERE about IN ('i11001', 'i21001')
UNION ALL
SELECT DISTINCT mn, data_time, 'raw_data' AS duty
FROM observations
WHERE cn = '2013'
