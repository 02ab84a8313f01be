{{- /*
lease acquires a task, or renews it, unless another holder has it.

Parameters: $1 the task, $2 the holder (uuid), $3 now, $4 the end of the lease.
Returns: nothing; one row is affected if the holder has the task.
*/ -}}
INSERT INTO {{.Schema}}smsplus_lease AS l (task, holder, until) VALUES ($1, $2, $4)
ON CONFLICT (task) DO UPDATE SET holder = excluded.holder, until = excluded.until
WHERE l.holder = excluded.holder OR l.until <= $3
