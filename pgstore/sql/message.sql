{{- /*
message reads one message.

Parameters: $1 the message's ID.
Returns: message_columns, or no row.
*/ -}}
SELECT {{template "message_columns"}} FROM {{.Schema}}smsplus_state s {{template "join_message" .}} WHERE s.id = $1
