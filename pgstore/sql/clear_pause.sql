{{- /*
clear_pause deletes a pause.

Parameters: $1 channel, $2 template.
Returns: nothing.
*/ -}}
DELETE FROM {{.Schema}}smsplus_pause WHERE channel = $1 AND template = $2
