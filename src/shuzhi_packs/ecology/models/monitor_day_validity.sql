/*
title: {zh: 日数据有效性与完整率, en: "What was due, came and counts of each day that is over"}
*/
-- Days are those of the one time zone that China has. HJ 75: a day of gas needs 20 valid hours;
-- HJ 356: one of water 75 % of what was due. The marking rule of 2022 lets water leave out one hour
-- a day for the check with a standard sample. All recalled, none checked against the texts.
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
    - MAX(CASE
      WHEN s.factor IN ('w01018', 'w21001', 'w21003', 'w21011') AND h.mark = 'C' THEN 1 ELSE 0
    END) AS hours_due,
  COUNT(h.mark) - COUNT_IF(h.mark = 'F')
    - MAX(CASE
      WHEN s.factor IN ('w01018', 'w21001', 'w21003', 'w21011') AND h.mark = 'C' THEN 1 ELSE 0
    END) AS hours_received,
  COUNT_IF(h.standing = 'valid') AS hours_valid,
  CASE
    WHEN s.medium = 'gas' THEN COUNT_IF(h.standing = 'valid') >= 20
    ELSE COUNT_IF(h.standing = 'valid') >= 0.75 * (24 - COUNT_IF(h.mark = 'F'))
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
GROUP BY s.mn, s.factor, s.medium, d.day
