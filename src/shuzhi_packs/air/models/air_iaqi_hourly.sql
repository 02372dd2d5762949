/*
title: {zh: 小时空气质量分指数, en: Individual air quality indices by hour}
incremental: {dataset: air_quality_hourly, by: day, grain: day, key: [station, observed_at, item]}
*/
-- HJ 633-2012, formula 1; an index is rounded up.
SELECT
  h.station AS station,
  h.observed_at AS observed_at,
  h.day AS day,
  b.item AS item,
  CEIL(ROUND(
    (b.iaqi_high - b.iaqi_low) * (CASE b.item
      WHEN 'PM2.5' THEN h.pm2_5_ug_m3
      WHEN 'PM10' THEN h.pm10_ug_m3
      WHEN 'SO2' THEN h.so2_ug_m3
      WHEN 'NO2' THEN h.no2_ug_m3
      WHEN 'CO' THEN h.co_mg_m3
      ELSE h.o3_ug_m3
    END - b.low) / (b.high - b.low) + b.iaqi_low, 6
  )) AS iaqi
FROM air_quality_hourly AS h
JOIN aqi_breakpoints AS b
  ON b.statistic = 'hour' AND b.valid_from <= h.day AND (b.valid_to IS NULL OR b.valid_to >= h.day)
WHERE CASE b.item
      WHEN 'PM2.5' THEN h.pm2_5_ug_m3
      WHEN 'PM10' THEN h.pm10_ug_m3
      WHEN 'SO2' THEN h.so2_ug_m3
      WHEN 'NO2' THEN h.no2_ug_m3
      WHEN 'CO' THEN h.co_mg_m3
      ELSE h.o3_ug_m3
    END <= b.high
  AND (CASE b.item
      WHEN 'PM2.5' THEN h.pm2_5_ug_m3
      WHEN 'PM10' THEN h.pm10_ug_m3
      WHEN 'SO2' THEN h.so2_ug_m3
      WHEN 'NO2' THEN h.no2_ug_m3
      WHEN 'CO' THEN h.co_mg_m3
      ELSE h.o3_ug_m3
    END > b.low
    OR (b.low = 0 AND CASE b.item
      WHEN 'PM2.5' THEN h.pm2_5_ug_m3
      WHEN 'PM10' THEN h.pm10_ug_m3
      WHEN 'SO2' THEN h.so2_ug_m3
      WHEN 'NO2' THEN h.no2_ug_m3
      WHEN 'CO' THEN h.co_mg_m3
      ELSE h.o3_ug_m3
    END = 0))
