/*
title: {zh: 排污单位自动监测日均值（公开）, en: "Daily means of companies that discharge, for everybody"}
*/
-- Only what is published: no station, no password, no responsible unit, nothing that is under review.
SELECT
  o.source_zh AS source_zh,
  v.outfall_id AS outfall_id,
  d.factor AS factor,
  d.day AS day,
  d.mean AS mean,
  p.unit AS unit,
  p.qualifier AS qualifier,
  p.limit_value AS limit_value,
  d.hours_valid AS hours_valid,
  d.is_valid AS is_valid
FROM monitor_day_validity AS d
JOIN monitors AS v ON v.mn = d.mn
JOIN outfalls AS o ON o.outfall_id = v.outfall_id
JOIN permits AS p
  ON p.outfall_id = v.outfall_id AND p.factor = d.factor AND p.statistic = 'day'
  AND p.valid_from <= d.day AND (p.valid_to IS NULL OR p.valid_to >= d.day)
