-- either layout
SELECT template, '', 0, sum(preparing)::bigint, sum(accepted)::bigint, sum(failed)::bigint, sum(undeliverable)::bigint,
	sum(delivered)::bigint, sum("read")::bigint, sum(twice)::bigint
FROM "messages".smsplus_total WHERE channel = $1 AND span = 24 AND start >= 20500 AND start < 20520 GROUP BY 1
