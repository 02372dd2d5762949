/*
title: {zh: 空气质量小时值, en: Air quality by station and hour}
incremental: {dataset: air_cells_hourly, by: day, grain: day, key: [station, observed_at]}
*/
SELECT
  station,
  CAST(CONCAT(
    CAST(day AS VARCHAR), CASE WHEN hour < 10 THEN ' 0' ELSE ' ' END, CAST(hour AS VARCHAR),
    ':00:00+08'
  ) AS TIMESTAMPTZ) AS observed_at,
  day,
  MAX(CASE WHEN item = 'AQI' THEN value END) AS aqi,
  MAX(CASE WHEN item = 'PM2.5' THEN value END) AS pm2_5_ug_m3,
  MAX(CASE WHEN item = 'PM10' THEN value END) AS pm10_ug_m3,
  MAX(CASE WHEN item = 'SO2' THEN value END) AS so2_ug_m3,
  MAX(CASE WHEN item = 'NO2' THEN value END) AS no2_ug_m3,
  MAX(CASE WHEN item = 'O3' THEN value END) AS o3_ug_m3,
  MAX(CASE WHEN item = 'CO' THEN value END) AS co_mg_m3
FROM air_cells_hourly
GROUP BY station, day, hour
