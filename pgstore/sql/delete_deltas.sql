{{- /*
delete_deltas deletes the deltas of a range of hours.

Parameters: $1 the first hour since 1970, $2 the hour after the last one.
Returns: how many messages they counted, less those that they counted no longer.
*/ -}}
WITH gone AS (DELETE FROM {{.Schema}}smsplus_delta WHERE hour >= $1 AND hour < $2 RETURNING n)
SELECT coalesce(sum(n), 0) FROM gone
