{{- /*
stats_states counts the messages of a part of an hour. It is a part of a UNION: see
totalsQuery (stats.go).

Parameters: those of .Where.
Returns: template, tally, number of messages, zero_counts.

Why it is written this way:
  - .Where names all tabs, so that the index by tab and time can be used for any filter.
*/ -}}
SELECT template, tally, count(*), {{template "zero_counts"}} FROM {{.Schema}}smsplus_state{{.Where}} GROUP BY 1, 2
