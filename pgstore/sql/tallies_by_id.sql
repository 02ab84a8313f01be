{{- /*
tallies_by_id returns what is counted of messages that cannot be read.

Parameters: $1 the IDs (uuid[]).
Returns: ID, template, triggered_at, tally, reasons.
*/ -}}
SELECT id, template, triggered_at, tally, coalesce(reasons, '') FROM {{.Schema}}smsplus_state WHERE id = ANY ($1::uuid[])
