{{- /*
stats_totals adds up totals. It is a part of a UNION: see totalsQuery (stats.go).

Parameters: those of .Where.
Returns: template, no tally, 0, the counts.
*/ -}}
SELECT template, '', 0, sum(preparing)::bigint, sum(accepted)::bigint, sum(failed)::bigint, sum(undeliverable)::bigint,
	sum(delivered)::bigint, sum("read")::bigint, sum(twice)::bigint
FROM {{.Schema}}smsplus_total{{.Where}} GROUP BY 1
