/*
title: {zh: 每小时收到的监测项与站点, en: Items and stations that came of each hour}
incremental: {dataset: air_cells_hourly, by: day, grain: day, key: [day, hour]}
*/
SELECT
  day,
  hour,
  CAST(CONCAT(
    CAST(day AS VARCHAR), CASE WHEN hour < 10 THEN ' 0' ELSE ' ' END, CAST(hour AS VARCHAR),
    ':00:00+08'
  ) AS TIMESTAMPTZ) AS observed_at,
  COUNT(DISTINCT item) AS items,
  COUNT(DISTINCT station) AS stations
FROM air_cells_hourly
GROUP BY day, hour
