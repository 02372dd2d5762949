/*
title: {zh: 各航空公司逐月延误, en: Delays by airline and month}
*/
SELECT
  a.name AS airline,
  f.carrier AS carrier,
  f.month AS month,
  COUNT(*) AS flights,
  COUNT(*) - COUNT(f.dep_delay) AS cancelled,
  SUM(CASE WHEN f.dep_delay > 15 THEN 1 ELSE 0 END) AS late,
  AVG(f.dep_delay) AS mean_delay_min
FROM flights AS f
LEFT JOIN airlines AS a ON f.carrier = a.carrier
GROUP BY a.name, f.carrier, f.month
