/*
title: {zh: 空气质量分指数限值表, en: Breakpoints of the individual air quality index}
*/
-- HJ 633-2012, table 1, in force nationwide from 2016-01-01. Numbers are recalled and were not
-- compared with the text. CO in mg/m3, all else in ug/m3. An hour of particulates is judged by the
-- breakpoints of a day, as the national network does in real time; O3 of a day is the 8-hour mean.
-- SO2 of an hour above 800 and O3 of 8 hours above 800 have no index of their own. When the table
-- changes, close the rows with valid_to and add new ones.
SELECT
  'hour' AS statistic, 'PM2.5' AS item, 0 AS low, 35 AS high,
  0 AS iaqi_low, 50 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'hour' AS statistic, 'PM2.5' AS item, 35 AS low, 75 AS high,
  50 AS iaqi_low, 100 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'hour' AS statistic, 'PM2.5' AS item, 75 AS low, 115 AS high,
  100 AS iaqi_low, 150 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'hour' AS statistic, 'PM2.5' AS item, 115 AS low, 150 AS high,
  150 AS iaqi_low, 200 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'hour' AS statistic, 'PM2.5' AS item, 150 AS low, 250 AS high,
  200 AS iaqi_low, 300 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'hour' AS statistic, 'PM2.5' AS item, 250 AS low, 350 AS high,
  300 AS iaqi_low, 400 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'hour' AS statistic, 'PM2.5' AS item, 350 AS low, 500 AS high,
  400 AS iaqi_low, 500 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'hour' AS statistic, 'PM10' AS item, 0 AS low, 50 AS high,
  0 AS iaqi_low, 50 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'hour' AS statistic, 'PM10' AS item, 50 AS low, 150 AS high,
  50 AS iaqi_low, 100 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'hour' AS statistic, 'PM10' AS item, 150 AS low, 250 AS high,
  100 AS iaqi_low, 150 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'hour' AS statistic, 'PM10' AS item, 250 AS low, 350 AS high,
  150 AS iaqi_low, 200 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'hour' AS statistic, 'PM10' AS item, 350 AS low, 420 AS high,
  200 AS iaqi_low, 300 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'hour' AS statistic, 'PM10' AS item, 420 AS low, 500 AS high,
  300 AS iaqi_low, 400 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'hour' AS statistic, 'PM10' AS item, 500 AS low, 600 AS high,
  400 AS iaqi_low, 500 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'hour' AS statistic, 'SO2' AS item, 0 AS low, 150 AS high,
  0 AS iaqi_low, 50 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'hour' AS statistic, 'SO2' AS item, 150 AS low, 500 AS high,
  50 AS iaqi_low, 100 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'hour' AS statistic, 'SO2' AS item, 500 AS low, 650 AS high,
  100 AS iaqi_low, 150 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'hour' AS statistic, 'SO2' AS item, 650 AS low, 800 AS high,
  150 AS iaqi_low, 200 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'hour' AS statistic, 'NO2' AS item, 0 AS low, 100 AS high,
  0 AS iaqi_low, 50 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'hour' AS statistic, 'NO2' AS item, 100 AS low, 200 AS high,
  50 AS iaqi_low, 100 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'hour' AS statistic, 'NO2' AS item, 200 AS low, 700 AS high,
  100 AS iaqi_low, 150 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'hour' AS statistic, 'NO2' AS item, 700 AS low, 1200 AS high,
  150 AS iaqi_low, 200 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'hour' AS statistic, 'NO2' AS item, 1200 AS low, 2340 AS high,
  200 AS iaqi_low, 300 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'hour' AS statistic, 'NO2' AS item, 2340 AS low, 3090 AS high,
  300 AS iaqi_low, 400 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'hour' AS statistic, 'NO2' AS item, 3090 AS low, 3840 AS high,
  400 AS iaqi_low, 500 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'hour' AS statistic, 'CO' AS item, 0 AS low, 5 AS high,
  0 AS iaqi_low, 50 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'hour' AS statistic, 'CO' AS item, 5 AS low, 10 AS high,
  50 AS iaqi_low, 100 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'hour' AS statistic, 'CO' AS item, 10 AS low, 35 AS high,
  100 AS iaqi_low, 150 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'hour' AS statistic, 'CO' AS item, 35 AS low, 60 AS high,
  150 AS iaqi_low, 200 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'hour' AS statistic, 'CO' AS item, 60 AS low, 90 AS high,
  200 AS iaqi_low, 300 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'hour' AS statistic, 'CO' AS item, 90 AS low, 120 AS high,
  300 AS iaqi_low, 400 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'hour' AS statistic, 'CO' AS item, 120 AS low, 150 AS high,
  400 AS iaqi_low, 500 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'hour' AS statistic, 'O3' AS item, 0 AS low, 160 AS high,
  0 AS iaqi_low, 50 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'hour' AS statistic, 'O3' AS item, 160 AS low, 200 AS high,
  50 AS iaqi_low, 100 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'hour' AS statistic, 'O3' AS item, 200 AS low, 300 AS high,
  100 AS iaqi_low, 150 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'hour' AS statistic, 'O3' AS item, 300 AS low, 400 AS high,
  150 AS iaqi_low, 200 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'hour' AS statistic, 'O3' AS item, 400 AS low, 800 AS high,
  200 AS iaqi_low, 300 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'hour' AS statistic, 'O3' AS item, 800 AS low, 1000 AS high,
  300 AS iaqi_low, 400 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'hour' AS statistic, 'O3' AS item, 1000 AS low, 1200 AS high,
  400 AS iaqi_low, 500 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'PM2.5' AS item, 0 AS low, 35 AS high,
  0 AS iaqi_low, 50 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'PM2.5' AS item, 35 AS low, 75 AS high,
  50 AS iaqi_low, 100 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'PM2.5' AS item, 75 AS low, 115 AS high,
  100 AS iaqi_low, 150 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'PM2.5' AS item, 115 AS low, 150 AS high,
  150 AS iaqi_low, 200 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'PM2.5' AS item, 150 AS low, 250 AS high,
  200 AS iaqi_low, 300 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'PM2.5' AS item, 250 AS low, 350 AS high,
  300 AS iaqi_low, 400 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'PM2.5' AS item, 350 AS low, 500 AS high,
  400 AS iaqi_low, 500 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'PM10' AS item, 0 AS low, 50 AS high,
  0 AS iaqi_low, 50 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'PM10' AS item, 50 AS low, 150 AS high,
  50 AS iaqi_low, 100 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'PM10' AS item, 150 AS low, 250 AS high,
  100 AS iaqi_low, 150 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'PM10' AS item, 250 AS low, 350 AS high,
  150 AS iaqi_low, 200 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'PM10' AS item, 350 AS low, 420 AS high,
  200 AS iaqi_low, 300 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'PM10' AS item, 420 AS low, 500 AS high,
  300 AS iaqi_low, 400 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'PM10' AS item, 500 AS low, 600 AS high,
  400 AS iaqi_low, 500 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'SO2' AS item, 0 AS low, 50 AS high,
  0 AS iaqi_low, 50 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'SO2' AS item, 50 AS low, 150 AS high,
  50 AS iaqi_low, 100 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'SO2' AS item, 150 AS low, 475 AS high,
  100 AS iaqi_low, 150 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'SO2' AS item, 475 AS low, 800 AS high,
  150 AS iaqi_low, 200 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'SO2' AS item, 800 AS low, 1600 AS high,
  200 AS iaqi_low, 300 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'SO2' AS item, 1600 AS low, 2100 AS high,
  300 AS iaqi_low, 400 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'SO2' AS item, 2100 AS low, 2620 AS high,
  400 AS iaqi_low, 500 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'NO2' AS item, 0 AS low, 40 AS high,
  0 AS iaqi_low, 50 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'NO2' AS item, 40 AS low, 80 AS high,
  50 AS iaqi_low, 100 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'NO2' AS item, 80 AS low, 180 AS high,
  100 AS iaqi_low, 150 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'NO2' AS item, 180 AS low, 280 AS high,
  150 AS iaqi_low, 200 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'NO2' AS item, 280 AS low, 565 AS high,
  200 AS iaqi_low, 300 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'NO2' AS item, 565 AS low, 750 AS high,
  300 AS iaqi_low, 400 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'NO2' AS item, 750 AS low, 940 AS high,
  400 AS iaqi_low, 500 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'CO' AS item, 0 AS low, 2 AS high,
  0 AS iaqi_low, 50 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'CO' AS item, 2 AS low, 4 AS high,
  50 AS iaqi_low, 100 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'CO' AS item, 4 AS low, 14 AS high,
  100 AS iaqi_low, 150 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'CO' AS item, 14 AS low, 24 AS high,
  150 AS iaqi_low, 200 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'CO' AS item, 24 AS low, 36 AS high,
  200 AS iaqi_low, 300 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'CO' AS item, 36 AS low, 48 AS high,
  300 AS iaqi_low, 400 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'CO' AS item, 48 AS low, 60 AS high,
  400 AS iaqi_low, 500 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'O3' AS item, 0 AS low, 100 AS high,
  0 AS iaqi_low, 50 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'O3' AS item, 100 AS low, 160 AS high,
  50 AS iaqi_low, 100 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'O3' AS item, 160 AS low, 215 AS high,
  100 AS iaqi_low, 150 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'O3' AS item, 215 AS low, 265 AS high,
  150 AS iaqi_low, 200 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
UNION ALL
SELECT
  'day' AS statistic, 'O3' AS item, 265 AS low, 800 AS high,
  200 AS iaqi_low, 300 AS iaqi_high, DATE '2016-01-01' AS valid_from, CAST(NULL AS DATE) AS valid_to
