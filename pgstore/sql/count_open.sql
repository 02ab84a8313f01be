{{- /*
count_open counts the open messages to a person.

Parameters: $1 the forms in which the phone number may be stored (text[]).
Returns: their number.
*/ -}}
SELECT count(*) FROM {{.Schema}}smsplus_state s {{template "join_message_plain" .}}
WHERE m.phone = ANY ($1::text[]) AND s.due_at IS NOT NULL
