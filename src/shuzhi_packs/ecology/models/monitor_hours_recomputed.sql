/*
title: {zh: 小时数据与分钟数据对照, en: Hours beside what their minutes make}
*/
SELECT
  told.mn AS mn,
  told.factor AS factor,
  told.data_time AS data_time,
  told.mean AS mean,
  ROUND(again.mean, 3) AS of_minutes
FROM monitor_hours AS told
JOIN monitor_minutes_by_hour AS again
  ON again.mn = told.mn AND again.factor = told.factor AND again.hour = told.data_time
WHERE told.mark = 'N' AND again.minutes >= 6
