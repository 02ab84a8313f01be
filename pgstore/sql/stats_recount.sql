{{- /*
stats_recount counts messages themselves, for a filter of which no totals are kept.

Parameters: those of .Where, a condition on the columns of the message m and its state s.
Returns: template, tally (with .Reasons also a line break and the reasons), number of
messages, zero_counts.

Why it is written this way:
  - .Fence is as in records: the states are looked up one by one.
*/ -}}
SELECT s.template, s.tally{{if .Reasons}} || E'\n' || s.reasons{{end}}, count(*), {{template "zero_counts"}}
FROM {{if .StateOnly}}{{.Schema}}smsplus_state s
{{- else if .Fence}}(SELECT * FROM {{.Schema}}smsplus_message m{{.Fence}} OFFSET 0) m {{template "join_state_in_partition" .As "m"}}
{{- else if .Partitioned}}{{.Schema}}smsplus_message m {{template "join_state_in_partition" .As "m"}}
{{- else}}{{.Schema}}smsplus_state s {{template "join_message_plain" .}}{{end}}{{.Where}} GROUP BY 1, 2
