/*
title: {zh: 空气质量日均值, en: Daily means by station}
incremental: {dataset: air_quality_hourly, by: day, grain: day, key: [station, day]}
parameters:
  least_hours: {law: air_day_least_hours, unit: hours, on: day}
*/
SELECT
  station,
  day,
  COUNT(*) AS hours,
  AVG(pm2_5_ug_m3) AS pm2_5_ug_m3,
  COUNT(pm2_5_ug_m3) AS pm2_5_hours,
  AVG(pm10_ug_m3) AS pm10_ug_m3,
  COUNT(pm10_ug_m3) AS pm10_hours,
  :least_hours AS least_hours
FROM air_quality_hourly
GROUP BY station, day
