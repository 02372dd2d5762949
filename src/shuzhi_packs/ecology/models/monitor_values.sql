/*
title: {zh: 监测数据的最新版本, en: "What monitors sent of minutes, hours, days and checks, the newest revision"}
*/
SELECT mn, cn, data_time, factor, field, number, text, mark, revision
FROM observations
WHERE cn IN ('2031', '2051', '2061', '2062')
QUALIFY ROW_NUMBER() OVER (
  PARTITION BY mn, cn, data_time, factor, field ORDER BY revision DESC
) = 1
