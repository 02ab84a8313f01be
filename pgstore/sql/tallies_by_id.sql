{{- /*
tallies_by_id returns what is counted of messages that cannot be read.

Parameters: $1 the IDs (uuid[]).
Returns: template, triggered_at, tally.
*/ -}}
SELECT template, triggered_at, tally FROM {{.Schema}}smsplus_state WHERE id = ANY ($1::uuid[])
