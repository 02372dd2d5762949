/*
title: {zh: 无效日排放量的替代值, en: "Amounts of waste water in the place of those of days that do not count"}
parameters:
  look_back: {law: eco_water_look_back, unit: days, on: l.day}
*/
-- HJ 356 (recalled, not checked): the largest of the valid daily amounts before the last check
-- with a standard sample that was passed; amounts alone, and none for a day without flow.
WITH told AS (
  SELECT mn, factor, CAST(data_time + INTERVAL 8 HOUR AS DATE) AS day, MAX(amount) AS amount
  FROM monitor_days
  WHERE mark = 'N'
  GROUP BY mn, factor, CAST(data_time + INTERVAL 8 HOUR AS DATE)
),
valid AS (
  SELECT
    v.mn AS mn, v.factor AS factor, v.day AS day, told.amount AS amount,
    ROW_NUMBER() OVER (PARTITION BY v.mn, v.factor ORDER BY v.day) AS number
  FROM monitor_day_validity AS v
  JOIN told ON told.mn = v.mn AND told.factor = v.factor AND told.day = v.day
  WHERE v.medium = 'water' AND v.is_valid AND told.amount IS NOT NULL
),
checked AS (
  SELECT
    v.mn AS mn, v.factor AS factor, v.day AS day,
    COALESCE(CAST(MAX(c.data_time) + INTERVAL 8 HOUR AS DATE), v.day) AS before_day
  FROM monitor_day_validity AS v
  LEFT JOIN monitor_checks AS c
    ON c.mn = v.mn AND c.factor = v.factor AND c.is_passed = 1
    AND CAST(c.data_time + INTERVAL 8 HOUR AS DATE) <= v.day
  WHERE v.medium = 'water' AND NOT v.is_valid AND v.hours_due > 0
  GROUP BY v.mn, v.factor, v.day
),
lasts AS (
  SELECT c.mn AS mn, c.factor AS factor, c.day AS day, MAX(c.before_day) AS before_day,
    MAX(v.number) AS number
  FROM checked AS c
  JOIN valid AS v ON v.mn = c.mn AND v.factor = c.factor AND v.day < c.before_day
  GROUP BY c.mn, c.factor, c.day
)
SELECT
  l.mn AS mn,
  l.factor AS factor,
  l.day AS day,
  MAX(l.before_day) AS before_day,
  COUNT(*) AS days_looked_at,
  MAX(v.amount) AS amount
FROM lasts AS l
JOIN valid AS v
  ON v.mn = l.mn AND v.factor = l.factor AND v.number <= l.number AND v.number > l.number - :look_back
GROUP BY l.mn, l.factor, l.day
