{{- /*
lease acquires a task, or renews it, unless another holder has it.

Parameters: $1 the task, $2 the holder (uuid), $3 now, $4 the end of the lease, $5 a time so
late that no lease of now ends after it.
Returns: nothing; one row is affected if the holder has the task.

Why it is written this way:
  - A lease that ends after $5 is from a clock that is ahead. It would keep all others out
    until their clocks have come that far, long after its holder may have gone.
*/ -}}
INSERT INTO {{.Schema}}smsplus_lease AS l (task, holder, until) VALUES ($1, $2, $4)
ON CONFLICT (task) DO UPDATE SET holder = excluded.holder, until = excluded.until
WHERE l.holder = excluded.holder OR l.until <= $3 OR l.until > $5
