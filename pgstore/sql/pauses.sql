{{- /*
pauses lists the pauses.

Parameters: none.
Returns: channel, template, since and note, in the order of the first two.
*/ -}}
SELECT channel, template, since, note FROM {{.Schema}}smsplus_pause ORDER BY channel, template
