/*
title: {zh: 日数据有效性与完整率, en: "What was due, came and counts of each day that is over"}
parameters:
  gas_hours: {law: eco_gas_day_valid_hours, unit: hours, on: d.day}
  water_rate: {law: eco_water_day_valid_rate, unit: '%', on: d.day}
tables: [eco_check_hours]
*/
-- Days are those of the one time zone that China has. An hour of the check with a standard sample is
-- not due, as far as the marking rule lets it be left out.
WITH hours AS (
  SELECT
    mn, factor, medium, mean, amount, flow, mark, standing,
    CAST(data_time + INTERVAL 8 HOUR AS DATE) AS day
  FROM monitor_hour_validity
),
spans AS (
  SELECT mn, factor, MAX(medium) AS medium, MIN(day) AS first_day FROM hours GROUP BY mn, factor
),
newest AS (SELECT MAX(day) AS day FROM hours),
days AS (SELECT DISTINCT day FROM hours)
SELECT
  s.mn AS mn,
  s.factor AS factor,
  d.day AS day,
  s.medium AS medium,
  24 - COUNT_IF(h.mark = 'F')
    - COALESCE(MAX(CASE WHEN h.mark = 'C' THEN c.hours END), 0) AS hours_due,
  COUNT(h.mark) - COUNT_IF(h.mark = 'F')
    - COALESCE(MAX(CASE WHEN h.mark = 'C' THEN c.hours END), 0) AS hours_received,
  COUNT_IF(h.standing = 'valid') AS hours_valid,
  CASE
    WHEN s.medium = 'gas' THEN COUNT_IF(h.standing = 'valid') >= :gas_hours
    ELSE 100 * COUNT_IF(h.standing = 'valid') >= :water_rate * (24 - COUNT_IF(h.mark = 'F'))
      AND COUNT_IF(h.standing = 'valid') > 0
  END AS is_valid,
  COALESCE(
    SUM(CASE WHEN h.standing = 'valid' AND s.medium = 'water' THEN h.mean * h.flow END)
      / NULLIF(SUM(CASE
        WHEN h.standing = 'valid' AND s.medium = 'water' AND h.mean IS NOT NULL THEN h.flow
      END), 0),
    AVG(CASE WHEN h.standing = 'valid' THEN h.mean END)
  ) AS mean
FROM spans AS s
JOIN days AS d ON d.day >= s.first_day
JOIN newest ON d.day < newest.day
LEFT JOIN hours AS h ON h.mn = s.mn AND h.factor = s.factor AND h.day = d.day
LEFT JOIN eco_check_hours AS c
  ON c.factor = s.factor AND s.medium = 'water' AND c.valid_from <= d.day
  AND (c.valid_to IS NULL OR c.valid_to >= d.day)
GROUP BY s.mn, s.factor, s.medium, d.day
