/*
title: {zh: 到期未装设备的许可因子, en: "Factors that a permit wants monitored and for which no monitor is registered"}
*/
SELECT p.outfall_id AS outfall_id, p.factor AS factor, MIN(p.install_by) AS install_by
FROM permits AS p
WHERE p.install_by < (SELECT MAX(v.data_time) FROM observations AS v)
  AND NOT EXISTS (SELECT 1 FROM monitors AS m WHERE m.outfall_id = p.outfall_id)
GROUP BY p.outfall_id, p.factor
