{{- /*
by_provider_id reads the messages that have an attempt with one of the provider IDs.

Parameters: $1 hashes of provider IDs (bigint[]).
Returns: .MessageColumns. Another provider ID may have the same hash: the caller checks.

Why it is written this way:
  - With partitions, the attempts' trigger times say in which partition each message is.
  - Without, the IDs are an array, of which the planner expects few rows whatever the
    table's statistics are.
*/ -}}
{{if .Partitioned}}
WITH named AS MATERIALIZED (
	SELECT DISTINCT triggered_at, id FROM {{.Schema}}smsplus_attempt WHERE name = ANY (ARRAY (SELECT unnest($1::bigint[])))
)
SELECT {{.MessageColumns}} FROM named n {{template "join_state_in_partition" .As "n"}} {{template "join_message" .}}
{{else}}
SELECT {{.MessageColumns}} FROM {{.Schema}}smsplus_state s {{template "join_message" .}}
WHERE s.id = ANY (ARRAY (SELECT id FROM {{.Schema}}smsplus_attempt WHERE name = ANY ($1::bigint[])))
{{end}}
