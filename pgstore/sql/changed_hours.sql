{{- /*
changed_hours lists the hours with changes that are not folded yet.

Parameters: $1 the first hour since 1970, $2 the hour after the last one.
Returns: an hour a row.
*/ -}}
SELECT DISTINCT hour FROM {{.Schema}}smsplus_delta WHERE hour >= $1 AND hour < $2
