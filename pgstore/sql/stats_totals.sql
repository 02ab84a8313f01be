{{- /*
stats_totals adds up totals. It is a part of a UNION: see totalsQuery (stats.go).

Parameters: those of .Where.
Returns: template, no tally, 0, the counts.
*/ -}}
SELECT template, '', 0, sum(preparing), sum(accepted), sum(failed), sum(undeliverable), sum(delivered), sum("read"), sum(twice)
FROM {{.Schema}}smsplus_total{{.Where}} GROUP BY 1
