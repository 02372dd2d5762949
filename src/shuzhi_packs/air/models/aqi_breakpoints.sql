/*
title: {zh: 空气质量分指数限值表, en: Breakpoints of the individual air quality index}
tables: [hj633_breakpoints]
*/
SELECT statistic, item, low, high, iaqi_low, iaqi_high, valid_from, valid_to
FROM hj633_breakpoints
