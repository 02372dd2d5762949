/*
title: {zh: 季度有效数据率, en: "Share of valid data by quarter"}
*/
SELECT
  v.mn AS mn,
  v.factor AS factor,
  v.medium AS medium,
  CAST(DATE_TRUNC('quarter', v.day) AS DATE) AS quarter,
  SUM(v.hours_due) AS hours_due,
  SUM(v.hours_valid) AS hours_valid,
  100.0 * SUM(v.hours_valid) / NULLIF(SUM(v.hours_due), 0) AS valid_percent,
  CAST(DATE_TRUNC('quarter', v.day) AS DATE)
    < (
      SELECT CAST(DATE_TRUNC('quarter', MAX(h.data_time) + INTERVAL 8 HOUR) AS DATE)
      FROM monitor_hours AS h
    ) AS is_over
FROM monitor_day_validity AS v
GROUP BY v.mn, v.factor, v.medium, CAST(DATE_TRUNC('quarter', v.day) AS DATE)
