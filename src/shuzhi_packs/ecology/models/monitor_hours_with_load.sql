/*
title: {zh: 小时排放与用电负荷, en: "Hours of emission beside the power that production and treatment drew"}
*/
WITH power AS (
  SELECT
    m.outfall_id AS outfall_id,
    h.data_time AS data_time,
    SUM(CASE WHEN SUBSTRING(h.factor, 1, 2) = 'd2' THEN h.mean END) AS production_kw,
    SUM(CASE WHEN SUBSTRING(h.factor, 1, 2) = 'd3' THEN h.mean END) AS treatment_kw
  FROM monitor_hours AS h
  JOIN monitors AS m ON m.mn = h.mn
  WHERE SUBSTRING(h.factor, 1, 2) IN ('d2', 'd3') AND h.mark = 'N'
  GROUP BY m.outfall_id, h.data_time
)
SELECT
  h.mn AS mn,
  h.factor AS factor,
  h.data_time AS data_time,
  o.party AS party,
  h.mean AS mean,
  power.production_kw AS production_kw,
  power.treatment_kw AS treatment_kw
FROM monitor_hours AS h
JOIN monitors AS m ON m.mn = h.mn
JOIN outfalls AS o ON o.outfall_id = m.outfall_id
JOIN power ON power.outfall_id = m.outfall_id AND power.data_time = h.data_time
WHERE h.mark = 'N' AND EXISTS (
  SELECT 1 FROM permits AS p WHERE p.outfall_id = m.outfall_id AND p.factor = h.factor
)
