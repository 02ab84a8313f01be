{{- /*
stats_totals adds up totals. It is a part of a UNION: see totalsQuery (stats.go).

Parameters: those of .Where. .Periods has a row for each range of periods: their length in
hours, the first, and the one after the last.
Returns: template, no tally, 0, the counts.

Why it is written this way:
  - OFFSET 0 makes each range of periods a scan of the primary key.
*/ -}}
SELECT t.template, '', 0, sum(t.preparing)::bigint, sum(t.accepted)::bigint, sum(t.failed)::bigint, sum(t.undeliverable)::bigint,
	sum(t.delivered)::bigint, sum(t."read")::bigint, sum(t.twice)::bigint
FROM {{.Periods}} AS r (span, first, next) CROSS JOIN LATERAL (
	SELECT * FROM {{.Schema}}smsplus_total{{.Where}} OFFSET 0
) t GROUP BY 1
