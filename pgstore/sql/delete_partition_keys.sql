{{- /*
delete_partition_keys deletes the keys of a month's messages.

Parameters: .Partition is the end of the partitions' names.
Returns: nothing.
*/ -}}
DELETE FROM {{.Schema}}smsplus_key k USING {{.Schema}}smsplus_message{{.Partition}} m WHERE k.key = m.key AND k.id = m.id
