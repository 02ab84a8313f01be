{{- /*
message reads one message.

Parameters: $1 the message's ID.
Returns: .MessageColumns, or no row.
*/ -}}
SELECT {{.MessageColumns}} FROM {{.Schema}}smsplus_state s {{template "join_message" .}} WHERE s.id = $1
