{{- /*
insert_keyed adds messages unless one of their keys is taken.

Parameters: $1 messages (smsplus_new_message[]), $2 counts (smsplus_new_delta[]),
$3 the messages' keys (text[]).
Returns: the messages that have one of the keys (message_columns). If there is any,
nothing was added.
*/ -}}
WITH {{template "find_taken" .}}, {{template "insert_messages" .OnlyIf "free"}}{{template "insert_keys" .}}
{{template "select_taken" .}}
