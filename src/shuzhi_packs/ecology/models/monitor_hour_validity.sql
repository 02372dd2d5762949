/*
title: {zh: 小时数据有效性, en: "Which hours count, by their mark and the marks of their minutes"}
parameters:
  minutes_rate: {law: eco_gas_hour_normal_minutes, unit: '%', at: h.data_time}
*/
-- HJ 212-2017 C.16 to C.18: gas is normal with enough normal minutes, water only when every minute
-- is. HJ 356: without a flow there is no concentration (recalled, not checked).
SELECT
  h.mn AS mn,
  h.factor AS factor,
  h.data_time AS data_time,
  o.outfall_id AS outfall_id,
  o.medium AS medium,
  h.mean AS mean,
  h.amount AS amount,
  flow.mean AS flow,
  h.mark AS mark,
  h.mark = 'F' AS is_stopped,
  CASE
    WHEN h.mark = 'F' THEN 'stopped'
    WHEN h.mark <> 'N' THEN 'marked'
    WHEN o.medium = 'water' AND SUBSTRING(h.factor, 1, 3) <> 'w00' AND flow.mean = 0 THEN 'no_flow'
    WHEN o.medium = 'water' AND told.minutes_normal < told.minutes THEN 'minutes'
    WHEN o.medium = 'gas'
      AND 100 * told.minutes_normal
        < :minutes_rate * COALESCE(60 / NULLIF(m.minute_interval, 0), told.minutes)
    THEN 'minutes'
    ELSE 'valid'
  END AS standing
FROM monitor_hours AS h
JOIN monitors AS m ON m.mn = h.mn
JOIN outfalls AS o ON o.outfall_id = m.outfall_id
LEFT JOIN monitor_minutes_by_hour AS told
  ON told.mn = h.mn AND told.factor = h.factor AND told.hour = h.data_time
LEFT JOIN monitor_hours AS flow
  ON flow.mn = h.mn AND flow.data_time = h.data_time AND flow.factor = 'w00000'
