{{- /*
peek reports whether a lane has a message that fell due in a short time.

Parameters: $1 lanes (text[]), $2 and $3 the first and the last due time.
Returns: a boolean.

Why it is written this way:
  - The range has a beginning, so that the scan of a lane passes over the index entries that
    vacuum cannot remove while an old transaction is open. A claim walks over all of them.
  - The parameters are hidden in subqueries: see claim.sql and insert_messages.
*/ -}}
SELECT EXISTS (
	SELECT FROM unnest((SELECT $1::text[])) AS o (lane) CROSS JOIN LATERAL (
		SELECT FROM {{.Schema}}smsplus_state s
		WHERE s.lane = o.lane AND s.due_at >= (SELECT $2::timestamptz) AND s.due_at <= (SELECT $3::timestamptz)
		ORDER BY s.due_at LIMIT 1
	) d
)
