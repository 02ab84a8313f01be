{{- /*
delete_partition_set_aside deletes the notes that messages of a month were set aside.

Parameters: .Partition is the end of the partitions' names.
Returns: nothing.
*/ -}}
DELETE FROM {{.Schema}}smsplus_set_aside a USING {{.Schema}}smsplus_state{{.Partition}} s WHERE a.id = s.id
