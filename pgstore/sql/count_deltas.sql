{{- /*
count_deltas counts the deltas of a range of hours.

Parameters: $1 the first hour since 1970, $2 the hour after the last one.
Returns: their number.
*/ -}}
SELECT count(*) FROM {{.Schema}}smsplus_delta WHERE hour >= $1 AND hour < $2
