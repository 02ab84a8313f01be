{{- /*
claim leases the earliest due messages.

Parameters: $1 now, $2 the end of the lease, $3 the lanes to leave alone (text[]); .Limit
is how many messages are leased at most.
Returns: the next due time, the previous due time, message_columns, ordered by the
previous due time. If nothing was due, one row with the next due time alone.

Why it is written this way:
  - lane walks the index from lane to lane, so that an excluded lane costs nothing,
    however many messages wait in it.
  - due locks up to .Limit messages of each lane, because the earliest of all may be in
    any lane. A concurrent claim skips them, and finds them at its next turn.
  - The LIMIT beside FOR UPDATE is hidden in a subquery. While statistics are old, the
    planner expects few due rows; with a larger number as the limit, it would read and
    sort the whole backlog. Of a limit that it cannot know it expects that most rows are
    not read, and follows the index.
  - The LIMIT around it is a number. Without it the planner would estimate the cost of
    the claim as a share of the backlog. From some million rows on it would then compile
    (JIT) the plan on every execution, which takes longer than the claim itself.
  - With partitions, the time is hidden in a subquery too. Otherwise a plan for the
    actual time always looks cheaper than the cached one, and every claim is planned.
  - leased writes by INSERT with ON CONFLICT, which always goes through the index: see
    update.sql.
  - The rows returned come from due, which locked them, and not from leased: the planner
    expects few rows of either, and would join the two as a nested loop.
*/ -}}
WITH RECURSIVE lane AS (
	(SELECT lane FROM {{.Schema}}smsplus_state WHERE due_at IS NOT NULL ORDER BY lane LIMIT 1)
	UNION ALL
	SELECT (SELECT s.lane FROM {{.Schema}}smsplus_state s
		WHERE s.due_at IS NOT NULL AND s.lane > l.lane ORDER BY s.lane LIMIT 1)
	FROM lane l WHERE l.lane IS NOT NULL
), open AS MATERIALIZED (
	SELECT unnest(ARRAY (SELECT lane FROM lane WHERE lane <> ALL ($3::text[]))) AS lane
), due AS MATERIALIZED (
	SELECT d.*
	FROM open o CROSS JOIN LATERAL (
		SELECT * FROM (
			SELECT s.* FROM {{.Schema}}smsplus_state s
			WHERE s.lane = o.lane AND s.due_at <= {{if .Partitioned}}(SELECT $1::timestamptz){{else}}$1{{end}}
			ORDER BY s.due_at LIMIT (SELECT {{.Limit}})
			FOR UPDATE SKIP LOCKED
		) s LIMIT {{.Limit}}
	) d
	ORDER BY d.due_at LIMIT {{.Limit}}
), leased AS (
	INSERT INTO {{.Schema}}smsplus_state
		({{template "state_columns"}})
	SELECT id, triggered_at, template, $2::timestamptz, version + 1, claims + 1, {{template "outcome_columns"}} FROM due
	ON CONFLICT (id{{if .Partitioned}}, triggered_at{{end}}) DO UPDATE
	SET due_at = excluded.due_at, version = excluded.version, claims = excluded.claims
), s AS (
	SELECT due_at AS was_due, id, triggered_at, $2::timestamptz AS due_at, version + 1 AS version, claims + 1 AS claims,
		status, channel, lane, template, body
	FROM due
), next AS (
	SELECT min(n.due_at) AS due_at
	FROM open o CROSS JOIN LATERAL (
		SELECT s.due_at FROM {{.Schema}}smsplus_state s
		WHERE s.lane = o.lane AND s.due_at IS NOT NULL AND s.id NOT IN (SELECT id FROM due)
		ORDER BY s.due_at LIMIT 1
	) n
)
SELECT next.due_at, s.was_due, {{template "message_columns"}}
FROM next LEFT JOIN (s {{template "join_message_by_index" .}}) ON true
ORDER BY s.was_due
