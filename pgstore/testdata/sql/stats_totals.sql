-- either layout
SELECT template, '', 0, sum(preparing), sum(accepted), sum(failed), sum(undeliverable), sum(delivered), sum("read"), sum(twice)
FROM "messages".smsplus_total WHERE channel = $1 AND span = 24 AND start >= 20500 AND start < 20520 GROUP BY 1
