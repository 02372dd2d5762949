/*
title: {zh: 小时空气质量指数, en: Air quality index by station and hour}
incremental: {dataset: air_iaqi_hourly, by: day, grain: day, key: [station, observed_at]}
parameters:
  primary_above: {law: air_primary_above, unit: count, on: day}
*/
-- The index is the largest of its parts; those that reach it are the primary pollutants.
SELECT
  station,
  observed_at,
  day,
  CAST(ROUND(MAX(iaqi)) AS INTEGER) AS aqi,
  COUNT(*) AS pollutants,
  CASE WHEN MAX(iaqi) > :primary_above THEN TRIM(CONCAT(
    CASE WHEN MAX(CASE WHEN item = 'PM2.5' THEN iaqi END) = MAX(iaqi) THEN 'PM2.5 ' ELSE '' END,
    CASE WHEN MAX(CASE WHEN item = 'PM10' THEN iaqi END) = MAX(iaqi) THEN 'PM10 ' ELSE '' END,
    CASE WHEN MAX(CASE WHEN item = 'SO2' THEN iaqi END) = MAX(iaqi) THEN 'SO2 ' ELSE '' END,
    CASE WHEN MAX(CASE WHEN item = 'NO2' THEN iaqi END) = MAX(iaqi) THEN 'NO2 ' ELSE '' END,
    CASE WHEN MAX(CASE WHEN item = 'CO' THEN iaqi END) = MAX(iaqi) THEN 'CO ' ELSE '' END,
    CASE WHEN MAX(CASE WHEN item = 'O3' THEN iaqi END) = MAX(iaqi) THEN 'O3 ' ELSE '' END
  )) END AS primary_pollutants
FROM air_iaqi_hourly
GROUP BY station, observed_at, day
