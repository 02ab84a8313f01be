{{- /*
default_partition_has says whether the default partition holds messages of a range.

Parameters: $1 the first trigger time, $2 the time after the last one.
Returns: a boolean.
*/ -}}
SELECT EXISTS (SELECT FROM {{.Schema}}smsplus_message_default WHERE triggered_at >= $1 AND triggered_at < $2)
