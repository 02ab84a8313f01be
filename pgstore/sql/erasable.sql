{{- /*
erasable locks ended messages to a person, a batch of them.

Parameters: $1 the forms in which the phone number may be stored (text[]), $2 the ID of the
last message of the batch before (uuid).
Returns: message_columns, in the order of the IDs.

Why it is written this way:
  - Rows are locked in the order of their IDs, as updates lock them.
*/ -}}
SELECT {{template "message_columns"}} FROM {{.Schema}}smsplus_state s {{template "join_message_plain" .}}
WHERE m.phone = ANY ($1::text[]) AND s.due_at IS NULL AND s.id > $2
ORDER BY s.id LIMIT 1000
FOR UPDATE OF s
