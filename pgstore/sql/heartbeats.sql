{{- /*
heartbeats lists the heartbeats that are not over.

Parameters: $1 now.
Returns: ID, name, when the run began, the time of the heartbeat, when it is over, channels,
templates and shares, in the order of the run's beginning and of ID.
*/ -}}
SELECT id, name, started_at, at, until, channels, templates, shares FROM {{.Schema}}smsplus_heartbeat
WHERE until > $1 ORDER BY started_at, id
