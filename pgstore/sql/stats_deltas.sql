{{- /*
stats_deltas adds up what is not folded into the totals yet. It is a part of a UNION: see
totalsQuery (stats.go).

Parameters: those of .Where.
Returns: template, tally, number of messages, zero_counts.
*/ -}}
SELECT template, tally, sum(n), {{template "zero_counts"}} FROM {{.Schema}}smsplus_delta{{.Where}} GROUP BY 1, 2
