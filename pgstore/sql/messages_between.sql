{{- /*
messages_between reads messages in the order of their triggers, the earliest first.

Parameters: $1 and $2 the trigger time and the ID after which they come, $3 the trigger time
before which they come; .Limit is how many are read at most.
Returns: .MessageColumns.

Why it is written this way:
  - The LIMIT is hidden in a subquery. The planner then expects that only a part of the range
    is read, and follows the primary keys of both tables: see claim.sql.
  - $1 is compared alone too, because no partition is left out by a comparison of rows.
*/ -}}
SELECT {{.MessageColumns}} FROM (
	SELECT * FROM {{.Schema}}smsplus_message
	WHERE (triggered_at, id) > ($1, $2) AND triggered_at >= $1 AND triggered_at < $3
	ORDER BY triggered_at, id LIMIT (SELECT {{.Limit}})
) m {{template "join_state_by_index" .As "m"}}
ORDER BY m.triggered_at, m.id
