{{- /*
erasable locks ended messages to a person, a batch of them.

Parameters: those of find_person, $3 the ID of the last message of the batch before (uuid).
Returns: .MessageColumns, in the order of the IDs. A message may be another person's: see
find_person.

Why it is written this way:
  - Rows are locked in the order of their IDs, as updates lock them.
  - With partitions, the range of trigger times keeps the lookups out of the partitions of
    other months.
*/ -}}
WITH {{template "find_person" .}}, found AS MATERIALIZED (
	SELECT p.triggered_at, p.id FROM person p {{template "join_state" .As "p"}}
	WHERE {{template "has_ended"}} AND p.id > $3
	ORDER BY p.id LIMIT 1000
)
SELECT {{.MessageColumns}} FROM {{.Schema}}smsplus_state s {{template "join_message_plain" .}}
WHERE s.id = ANY (ARRAY (SELECT id FROM found)) AND {{template "has_ended"}}
	{{if .Partitioned}}
	AND s.triggered_at >= (SELECT min(triggered_at) FROM found) AND s.triggered_at <= (SELECT max(triggered_at) FROM found)
	{{end}}
ORDER BY s.id
FOR UPDATE OF s
