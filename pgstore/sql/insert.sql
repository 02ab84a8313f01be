{{- /*
insert adds messages that have no keys, no attempts, and a route that is stored.

Parameters: $1 messages (smsplus_new_message[]), $2 counts (smsplus_new_delta[]).
Returns: nothing.
*/ -}}
WITH {{template "insert_messages" .}}
SELECT WHERE false
