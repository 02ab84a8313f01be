{{- /*
delete_zero_totals_in_range deletes the totals of one span that count nothing.

Parameters: $1 the span, $2 the first start, $3 the start after the last one.
Returns: nothing.
*/ -}}
DELETE FROM {{.Schema}}smsplus_total WHERE span = $1 AND start >= $2 AND start < $3
	AND preparing = 0 AND accepted = 0 AND failed = 0 AND undeliverable = 0 AND delivered = 0 AND "read" = 0 AND twice = 0
