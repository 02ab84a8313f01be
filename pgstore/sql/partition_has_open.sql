{{- /*
partition_has_open says whether a month has an open message.

Parameters: .Partition is the end of the partitions' names.
Returns: 1 or 0.
*/ -}}
SELECT count(*) FROM (SELECT FROM {{.Schema}}smsplus_state{{.Partition}} WHERE due_at IS NOT NULL LIMIT 1) open
