/*
title: {zh: 无效小时排放量的替代值, en: "Amounts of gas in the place of those of hours that do not count"}
parameters:
  least_rate: {law: eco_gas_valid_rate, unit: '%', at: data_time}
  full_rate: {law: eco_gas_substitution_rate, unit: '%', at: data_time}
  short_gap: {law: eco_gas_short_gap, unit: hours, at: data_time}
  after_short: {law: eco_gas_short_look_back, unit: hours, at: data_time}
  after_long: {law: eco_gas_long_look_back, unit: hours, at: data_time}
  in_bad_quarter: {law: eco_gas_longest_look_back, unit: hours, at: data_time}
*/
-- HJ 75 chapter 12 (recalled, not checked): the largest of the valid hours before a gap, of more
-- where it is long, of most where little of the quarter is valid; nothing where too little is.
-- Amounts alone are substituted, never concentrations.
WITH known AS (SELECT DISTINCT data_time FROM monitor_hours),
spans AS (
  SELECT mn, factor, MIN(data_time) AS first_at, MAX(data_time) AS last_at
  FROM monitor_hour_validity
  WHERE medium = 'gas' AND amount IS NOT NULL
  GROUP BY mn, factor
),
due AS (
  SELECT
    s.mn AS mn,
    s.factor AS factor,
    k.data_time AS data_time,
    v.amount AS amount,
    COALESCE(v.standing, 'missing') AS standing,
    CASE WHEN v.standing = 'valid' AND v.amount IS NOT NULL THEN 1 ELSE 0 END AS counts
  FROM spans AS s
  JOIN known AS k ON k.data_time >= s.first_at AND k.data_time <= s.last_at
  LEFT JOIN monitor_hour_validity AS v
    ON v.mn = s.mn AND v.factor = s.factor AND v.data_time = k.data_time
),
numbered AS (
  SELECT
    mn, factor, data_time, amount, standing, counts,
    SUM(counts) OVER (PARTITION BY mn, factor ORDER BY data_time) AS number,
    100.0 * SUM(counts) OVER (
      PARTITION BY mn, factor, DATE_TRUNC('quarter', data_time + INTERVAL 8 HOUR)
    ) / COUNT(*) OVER (
      PARTITION BY mn, factor, DATE_TRUNC('quarter', data_time + INTERVAL 8 HOUR)
    ) AS valid_percent
  FROM due
  WHERE standing <> 'stopped'
),
gaps AS (
  SELECT
    mn, factor, data_time, amount, standing, number,
    COUNT(*) OVER (PARTITION BY mn, factor, number) AS gap_hours,
    valid_percent
  FROM numbered
  WHERE counts = 0
),
looked AS (
  SELECT
    mn, factor, data_time, amount, standing, number, gap_hours, valid_percent,
    CASE
      WHEN valid_percent < :least_rate THEN 0
      WHEN valid_percent < :full_rate THEN :in_bad_quarter
      WHEN gap_hours > :short_gap THEN :after_long
      ELSE :after_short
    END AS look_back
  FROM gaps
)
SELECT
  g.mn AS mn,
  g.factor AS factor,
  g.data_time AS data_time,
  g.standing AS standing,
  MAX(g.amount) AS told,
  MAX(g.gap_hours) AS gap_hours,
  MAX(g.valid_percent) AS valid_percent,
  MAX(g.look_back) AS look_back,
  MAX(b.amount) AS amount
FROM looked AS g
LEFT JOIN numbered AS b
  ON b.mn = g.mn AND b.factor = g.factor AND b.counts = 1
  AND b.number <= g.number AND b.number > g.number - g.look_back
GROUP BY g.mn, g.factor, g.data_time, g.standing
