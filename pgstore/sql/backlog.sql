{{- /*
backlog counts the messages of each lane that are due, and those that are set aside.

Parameters: $1 now.
Returns: a row for each lane that has any, in the order of the lanes: lane, number of due
messages, the earliest due time in the lane (which may be later than now), number of
messages that are set aside.

Why it is written this way:
  - lane jumps along the index (lane, due_at): see claim.sql. A message that is set aside has
    a due time, so its lane is among them.
  - aside looks each state up: see join_message_by_index.
  - due counts along the same index. It reads neither messages that are due later nor those
    that have ended.
*/ -}}
WITH RECURSIVE lane AS (
	(SELECT lane, due_at FROM {{.Schema}}smsplus_state WHERE due_at IS NOT NULL ORDER BY lane, due_at LIMIT 1)
	UNION ALL
	SELECT n.lane, n.due_at
	FROM lane l CROSS JOIN LATERAL (
		SELECT s.lane, s.due_at FROM {{.Schema}}smsplus_state s
		WHERE s.due_at IS NOT NULL AND s.lane > l.lane ORDER BY s.lane, s.due_at LIMIT 1
	) n
), aside AS MATERIALIZED (
	SELECT s.lane, count(*) AS n FROM {{.Schema}}smsplus_set_aside a
	{{template "join_state_by_index" .As "a"}}
	WHERE s.version = a.version GROUP BY s.lane
)
SELECT l.lane, due.n, l.due_at, coalesce(aside.n, 0)
FROM lane l CROSS JOIN LATERAL (
	SELECT count(*) AS n FROM {{.Schema}}smsplus_state s WHERE s.lane = l.lane AND s.due_at <= $1
) due LEFT JOIN aside ON aside.lane = l.lane
WHERE due.n > 0 OR aside.n > 0
ORDER BY l.lane
