/*
title: {zh: 24 小时与 8 小时滑动平均, en: Moving means of 24 and of 8 hours}
parameters:
  least_of_24: {law: air_day_least_hours, unit: hours, at: observed_at}
  least_of_8: {law: air_8h_least_hours, unit: hours, at: observed_at}
*/
-- Rounded half to even (GB/T 8170), CO to a tenth.
WITH means AS (
  SELECT
    station,
    observed_at,
    AVG(pm2_5_ug_m3) OVER day_back AS pm2_5_ug_m3,
    COUNT(pm2_5_ug_m3) OVER day_back AS pm2_5_hours,
    AVG(pm10_ug_m3) OVER day_back AS pm10_ug_m3,
    COUNT(pm10_ug_m3) OVER day_back AS pm10_hours,
    AVG(so2_ug_m3) OVER day_back AS so2_ug_m3,
    COUNT(so2_ug_m3) OVER day_back AS so2_hours,
    AVG(no2_ug_m3) OVER day_back AS no2_ug_m3,
    COUNT(no2_ug_m3) OVER day_back AS no2_hours,
    AVG(co_mg_m3) OVER day_back AS co_mg_m3,
    COUNT(co_mg_m3) OVER day_back AS co_hours,
    AVG(o3_ug_m3) OVER eight_back AS o3_ug_m3,
    COUNT(o3_ug_m3) OVER eight_back AS o3_hours
  FROM air_quality_hourly
  WINDOW
    day_back AS (
      PARTITION BY station ORDER BY observed_at
      RANGE BETWEEN INTERVAL 23 HOUR PRECEDING AND CURRENT ROW
    ),
    eight_back AS (
      PARTITION BY station ORDER BY observed_at
      RANGE BETWEEN INTERVAL 7 HOUR PRECEDING AND CURRENT ROW
    )
)
SELECT
  station,
  observed_at,
  CASE WHEN pm2_5_hours >= :least_of_24 THEN CASE WHEN ROUND(pm2_5_ug_m3, 6) = FLOOR(ROUND(pm2_5_ug_m3, 6)) + 0.5 THEN 2 * ROUND(ROUND(pm2_5_ug_m3, 6) / 2) ELSE ROUND(ROUND(pm2_5_ug_m3, 6)) END END AS pm2_5_24h_ug_m3,
  CASE WHEN pm10_hours >= :least_of_24 THEN CASE WHEN ROUND(pm10_ug_m3, 6) = FLOOR(ROUND(pm10_ug_m3, 6)) + 0.5 THEN 2 * ROUND(ROUND(pm10_ug_m3, 6) / 2) ELSE ROUND(ROUND(pm10_ug_m3, 6)) END END AS pm10_24h_ug_m3,
  CASE WHEN so2_hours >= :least_of_24 THEN CASE WHEN ROUND(so2_ug_m3, 6) = FLOOR(ROUND(so2_ug_m3, 6)) + 0.5 THEN 2 * ROUND(ROUND(so2_ug_m3, 6) / 2) ELSE ROUND(ROUND(so2_ug_m3, 6)) END END AS so2_24h_ug_m3,
  CASE WHEN no2_hours >= :least_of_24 THEN CASE WHEN ROUND(no2_ug_m3, 6) = FLOOR(ROUND(no2_ug_m3, 6)) + 0.5 THEN 2 * ROUND(ROUND(no2_ug_m3, 6) / 2) ELSE ROUND(ROUND(no2_ug_m3, 6)) END END AS no2_24h_ug_m3,
  CASE WHEN co_hours >= :least_of_24 THEN (CASE WHEN ROUND(co_mg_m3 * 10, 6) = FLOOR(ROUND(co_mg_m3 * 10, 6)) + 0.5 THEN 2 * ROUND(ROUND(co_mg_m3 * 10, 6) / 2) ELSE ROUND(ROUND(co_mg_m3 * 10, 6)) END) / 10 END AS co_24h_mg_m3,
  CASE WHEN o3_hours >= :least_of_8 THEN CASE WHEN ROUND(o3_ug_m3, 6) = FLOOR(ROUND(o3_ug_m3, 6)) + 0.5 THEN 2 * ROUND(ROUND(o3_ug_m3, 6) / 2) ELSE ROUND(ROUND(o3_ug_m3, 6)) END END AS o3_8h_ug_m3
FROM means
