/*
title: {zh: 日空气质量指数, en: Air quality index by station and day}
parameters:
  least_hours: {law: air_day_least_hours, unit: hours, on: day}
  least_means: {law: air_o3_day_least_means, unit: count, on: day}
  o3_limit: {law: air_o3_8h_limit, unit: ug/m3, on: day}
  primary_above: {law: air_primary_above, unit: count, on: day}
*/
-- An hour bears the name of its end, so that the day is the hours 1 to 24. Of O3 the largest mean of
-- 8 hours counts, of those that end at 8 to 24 o'clock (HJ 633-2012, recalled), with enough of them
-- or when it is above the limit.
WITH hours AS (
  SELECT
    h.station AS station,
    CAST(h.observed_at + INTERVAL 7 HOUR AS DATE) AS day,
    h.pm2_5_ug_m3 AS pm2_5_ug_m3,
    h.pm10_ug_m3 AS pm10_ug_m3,
    h.so2_ug_m3 AS so2_ug_m3,
    h.no2_ug_m3 AS no2_ug_m3,
    h.co_mg_m3 AS co_mg_m3,
    CASE WHEN EXTRACT(hour FROM h.observed_at + INTERVAL 7 HOUR) >= 7 THEN m.o3_8h_ug_m3 END AS o3
  FROM air_quality_hourly AS h
  JOIN air_moving_means AS m ON m.station = h.station AND m.observed_at = h.observed_at
),
days AS (
  SELECT
    station,
    day,
    COUNT(*) AS hours,
    CASE WHEN COUNT(pm2_5_ug_m3) >= :least_hours THEN CASE WHEN ROUND(AVG(pm2_5_ug_m3), 6) = FLOOR(ROUND(AVG(pm2_5_ug_m3), 6)) + 0.5 THEN 2 * ROUND(ROUND(AVG(pm2_5_ug_m3), 6) / 2) ELSE ROUND(ROUND(AVG(pm2_5_ug_m3), 6)) END END AS pm2_5_ug_m3,
    CASE WHEN COUNT(pm10_ug_m3) >= :least_hours THEN CASE WHEN ROUND(AVG(pm10_ug_m3), 6) = FLOOR(ROUND(AVG(pm10_ug_m3), 6)) + 0.5 THEN 2 * ROUND(ROUND(AVG(pm10_ug_m3), 6) / 2) ELSE ROUND(ROUND(AVG(pm10_ug_m3), 6)) END END AS pm10_ug_m3,
    CASE WHEN COUNT(so2_ug_m3) >= :least_hours THEN CASE WHEN ROUND(AVG(so2_ug_m3), 6) = FLOOR(ROUND(AVG(so2_ug_m3), 6)) + 0.5 THEN 2 * ROUND(ROUND(AVG(so2_ug_m3), 6) / 2) ELSE ROUND(ROUND(AVG(so2_ug_m3), 6)) END END AS so2_ug_m3,
    CASE WHEN COUNT(no2_ug_m3) >= :least_hours THEN CASE WHEN ROUND(AVG(no2_ug_m3), 6) = FLOOR(ROUND(AVG(no2_ug_m3), 6)) + 0.5 THEN 2 * ROUND(ROUND(AVG(no2_ug_m3), 6) / 2) ELSE ROUND(ROUND(AVG(no2_ug_m3), 6)) END END AS no2_ug_m3,
    CASE WHEN COUNT(co_mg_m3) >= :least_hours THEN (CASE WHEN ROUND(AVG(co_mg_m3) * 10, 6) = FLOOR(ROUND(AVG(co_mg_m3) * 10, 6)) + 0.5 THEN 2 * ROUND(ROUND(AVG(co_mg_m3) * 10, 6) / 2) ELSE ROUND(ROUND(AVG(co_mg_m3) * 10, 6)) END) / 10 END AS co_mg_m3,
    CASE WHEN COUNT(o3) >= :least_means OR MAX(o3) > :o3_limit THEN MAX(o3) END AS o3_8h_ug_m3
  FROM hours
  GROUP BY station, day
),
parts AS (
  SELECT
    d.station AS station,
    d.day AS day,
    b.item AS item,
  CEIL(ROUND(
    (b.iaqi_high - b.iaqi_low) * (CASE b.item
        WHEN 'PM2.5' THEN d.pm2_5_ug_m3
        WHEN 'PM10' THEN d.pm10_ug_m3
        WHEN 'SO2' THEN d.so2_ug_m3
        WHEN 'NO2' THEN d.no2_ug_m3
        WHEN 'CO' THEN d.co_mg_m3
        ELSE d.o3_8h_ug_m3
      END - b.low) / (b.high - b.low) + b.iaqi_low, 6
  )) AS iaqi
  FROM days AS d
  JOIN aqi_breakpoints AS b
    ON b.statistic = 'day' AND b.valid_from <= d.day AND (b.valid_to IS NULL OR b.valid_to >= d.day)
  WHERE CASE b.item
        WHEN 'PM2.5' THEN d.pm2_5_ug_m3
        WHEN 'PM10' THEN d.pm10_ug_m3
        WHEN 'SO2' THEN d.so2_ug_m3
        WHEN 'NO2' THEN d.no2_ug_m3
        WHEN 'CO' THEN d.co_mg_m3
        ELSE d.o3_8h_ug_m3
      END <= b.high
    AND (CASE b.item
        WHEN 'PM2.5' THEN d.pm2_5_ug_m3
        WHEN 'PM10' THEN d.pm10_ug_m3
        WHEN 'SO2' THEN d.so2_ug_m3
        WHEN 'NO2' THEN d.no2_ug_m3
        WHEN 'CO' THEN d.co_mg_m3
        ELSE d.o3_8h_ug_m3
      END > b.low
      OR (b.low = 0 AND CASE b.item
        WHEN 'PM2.5' THEN d.pm2_5_ug_m3
        WHEN 'PM10' THEN d.pm10_ug_m3
        WHEN 'SO2' THEN d.so2_ug_m3
        WHEN 'NO2' THEN d.no2_ug_m3
        WHEN 'CO' THEN d.co_mg_m3
        ELSE d.o3_8h_ug_m3
      END = 0))
),
indices AS (
  SELECT
    station,
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
  FROM parts
  GROUP BY station, day
)
SELECT
  d.station AS station,
  d.day AS day,
  d.hours AS hours,
  d.pm2_5_ug_m3 AS pm2_5_ug_m3,
  d.pm10_ug_m3 AS pm10_ug_m3,
  d.so2_ug_m3 AS so2_ug_m3,
  d.no2_ug_m3 AS no2_ug_m3,
  d.co_mg_m3 AS co_mg_m3,
  d.o3_8h_ug_m3 AS o3_8h_ug_m3,
  i.aqi AS aqi,
  i.pollutants AS pollutants,
  i.primary_pollutants AS primary_pollutants
FROM days AS d
LEFT JOIN indices AS i ON i.station = d.station AND i.day = d.day
