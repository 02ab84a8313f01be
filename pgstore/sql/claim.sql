{{- /*
claim leases the earliest due messages of some lanes.

Parameters: $1 now, $2 the end of the lease, $3 the lanes to take from (text[], NULL
for all), $4 the holder, $5 the templates to skip (text[]); .Limit is how many messages are
leased at most.
Returns a row for each leased message, in the order of the due times that they had:
  - the earliest due time of the messages that were not leased, in the lanes $3, apart from
    templates in $5. It may be past, because of .Limit or another claim's lock.
  - the lanes outside of $3 that hold messages with a due time, and the first due time of
    each (two arrays)
  - how many seconds it took to find, lock and read the messages. The leases are not in it:
    nobody reads from leased, so it runs last
  - the due time that the message had, and .MessageColumns as they are after the claim
If nothing was leased, there is one row with the first four columns alone.

A lease sets due_at = $2 and holder = $4, and raises version and claims by one. sending and
the rest stay: the claim is the intent for the step in sending.

Why it is written this way:
  - lane jumps along the index (lane, due_at) from each lane to the next, and reads the first
    due time of each. So a lane that is not in $3 costs one look-up, however many messages
    wait in it.
  - open are the lanes in $3 with their first due times, and passed, in one row, the others.
  - The first due time saves due and next a walk. While an old transaction is open, vacuum
    cannot remove the index entries of messages that were due before, and every scan from a
    lane's beginning walks over all of them. due skips a lane whose first message is not due
    yet, and next begins at the first due time. due itself has no such lower bound: of a
    range with two bounds the planner would expect too few rows.
  - due locks up to .Limit messages of each lane, because the earliest of all may be in
    any lane. A concurrent claim skips them, and finds them at its next turn.
  - The LIMIT beside FOR UPDATE is hidden in a subquery. While statistics are old, the
    planner expects few due rows. If the limit were a larger number, it would read and sort
    the whole backlog. For a limit that it does not know, it assumes that only a part of the
    rows is read, and follows the index.
  - The LIMIT around that subquery is a number. Without it the planner would estimate the
    cost of the claim as a share of the backlog. From some million rows on it would then
    compile (JIT) the plan on every execution, which takes longer than the claim itself.
  - With partitions, the time is hidden in a subquery too. Otherwise a plan for the
    actual time always looks cheaper than the cached one, and every claim is planned.
  - leased writes by INSERT with ON CONFLICT, which always goes through the index: see
    update.sql.
  - The rows returned are made from due alone, with the columns that leased writes. A join
    of due and leased would be a nested loop, because the planner expects few rows of each.
*/ -}}
WITH RECURSIVE lane AS (
	(SELECT lane, due_at FROM {{.Schema}}smsplus_state WHERE due_at IS NOT NULL ORDER BY lane, due_at LIMIT 1)
	UNION ALL
	SELECT n.lane, n.due_at
	FROM lane l CROSS JOIN LATERAL (
		SELECT s.lane, s.due_at FROM {{.Schema}}smsplus_state s
		WHERE s.due_at IS NOT NULL AND s.lane > l.lane ORDER BY s.lane, s.due_at LIMIT 1
	) n
), open AS MATERIALIZED (
	SELECT unnest(ARRAY (SELECT lane FROM lane WHERE $3::text[] IS NULL OR lane = ANY ($3))) AS lane,
		unnest(ARRAY (SELECT due_at FROM lane WHERE $3::text[] IS NULL OR lane = ANY ($3))) AS due_at
), passed AS MATERIALIZED (
	SELECT array_agg(lane) AS lanes, array_agg(due_at) AS due_ats FROM lane WHERE lane <> ALL ($3::text[])
), due AS MATERIALIZED (
	SELECT d.*
	FROM open o CROSS JOIN LATERAL (
		SELECT * FROM (
			SELECT s.* FROM {{.Schema}}smsplus_state s
			WHERE s.lane = o.lane AND s.due_at <= {{if .Partitioned}}(SELECT $1::timestamptz){{else}}$1{{end}}
				AND s.template <> ALL ($5::text[])
			ORDER BY s.due_at LIMIT (SELECT {{.Limit}})
			FOR UPDATE SKIP LOCKED
		) s LIMIT {{.Limit}}
	) d
	WHERE o.due_at <= {{if .Partitioned}}(SELECT $1::timestamptz){{else}}$1{{end}}
	ORDER BY d.due_at LIMIT {{.Limit}}
), leased AS (
	INSERT INTO {{.Schema}}smsplus_state
		({{.StateColumns}})
	SELECT id, triggered_at, template, $2::timestamptz, version + 1, claims + 1, sending, $4::bigint, {{.OutcomeColumns}} FROM due
	ON CONFLICT (id{{if .Partitioned}}, triggered_at{{end}}) DO UPDATE
	SET due_at = excluded.due_at, version = excluded.version, claims = excluded.claims, holder = excluded.holder
), s AS (
	SELECT due_at AS was_due, id, triggered_at, $2::timestamptz AS due_at, version + 1 AS version, claims + 1 AS claims, sending,
		$4::bigint AS holder, status, channel, lane, template, body
	FROM due
), next AS (
	SELECT min(n.due_at) AS due_at
	FROM open o CROSS JOIN LATERAL (
		SELECT s.due_at FROM {{.Schema}}smsplus_state s
		WHERE s.lane = o.lane AND s.due_at >= o.due_at AND s.template <> ALL ($5::text[]) AND s.id NOT IN (SELECT id FROM due)
		ORDER BY s.due_at LIMIT 1
	) n
)
SELECT next.due_at, passed.lanes, passed.due_ats,
	extract(epoch FROM clock_timestamp() - statement_timestamp())::float8, s.was_due, {{.MessageColumns}}
FROM next CROSS JOIN passed LEFT JOIN (s {{template "join_message_by_index" .}}) ON true
ORDER BY s.was_due
