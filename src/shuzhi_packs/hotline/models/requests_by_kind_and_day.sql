/*
title: {zh: 分类逐日诉求量, en: Requests by kind and day}
*/
SELECT
  kind,
  district,
  DATE_TRUNC('day', opened_at) AS day,
  COUNT(*) AS requests,
  COUNT(closed_at) AS closed,
  COUNT_IF(closed_at > due_at) AS closed_late
FROM service_requests
GROUP BY kind, district, DATE_TRUNC('day', opened_at)
