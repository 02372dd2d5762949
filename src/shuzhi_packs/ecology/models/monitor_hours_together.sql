/*
title: {zh: 同一小时各因子, en: The factors of one hour side by side}
incremental: {dataset: monitor_hours, by: data_time, grain: day, key: [mn, data_time]}
*/
SELECT
  mn,
  data_time,
  MAX(CASE WHEN factor = 'w01018' THEN mean END) AS w01018,
  MAX(CASE WHEN factor = 'w21003' THEN mean END) AS w21003,
  MAX(CASE WHEN factor = 'w21001' THEN mean END) AS w21001,
  MAX(CASE WHEN factor = 'w01001' THEN mean END) AS w01001,
  MAX(CASE WHEN factor = 'w00000' THEN mean END) AS w00000,
  MAX(CASE WHEN factor = 'a19001' THEN mean END) AS a19001,
  MAX(CASE WHEN factor = 'a21026' THEN mean END) AS a21026,
  MAX(CASE WHEN factor = 'a21002' THEN mean END) AS a21002,
  MAX(CASE WHEN factor = 'a21003' THEN mean END) AS a21003,
  MAX(CASE WHEN factor = 'a01014' THEN mean END) AS a01014
FROM monitor_hours
WHERE mark = 'N'
GROUP BY mn, data_time
