{{- /*
notify notifies the stores that listen on a channel.

Parameters: $1 channel, $2 payload, which is the schema.
Returns: one empty value.

Why it is written this way:
  - NOTIFY itself takes no parameters.
*/ -}}
SELECT pg_notify($1, $2)
