-- without partitions
WITH RECURSIVE lane AS (
	(SELECT lane FROM "messages".smsplus_state WHERE due_at IS NOT NULL ORDER BY lane LIMIT 1)
	UNION ALL
	SELECT (SELECT s.lane FROM "messages".smsplus_state s
		WHERE s.due_at IS NOT NULL AND s.lane > l.lane ORDER BY s.lane LIMIT 1)
	FROM lane l WHERE l.lane IS NOT NULL
), open AS MATERIALIZED (
	SELECT unnest(ARRAY (SELECT lane FROM lane WHERE lane <> ALL ($3::text[]))) AS lane
), due AS MATERIALIZED (
	SELECT d.*
	FROM open o CROSS JOIN LATERAL (
		SELECT * FROM (
			SELECT s.* FROM "messages".smsplus_state s
			WHERE s.lane = o.lane AND s.due_at <= $1
			ORDER BY s.due_at LIMIT (SELECT 256)
			FOR UPDATE SKIP LOCKED
		) s LIMIT 256
	) d
	ORDER BY d.due_at LIMIT 256
), leased AS (
	INSERT INTO "messages".smsplus_state
		(id, triggered_at, template, due_at, version, claims, status, tab, channel, lane, tally, body)
	SELECT id, triggered_at, template, $2::timestamptz, version + 1, claims + 1, status, tab, channel, lane, tally, body FROM due
	ON CONFLICT (id) DO UPDATE
	SET due_at = excluded.due_at, version = excluded.version, claims = excluded.claims
), s AS (
	SELECT due_at AS was_due, id, triggered_at, $2::timestamptz AS due_at, version + 1 AS version, claims + 1 AS claims,
		status, channel, lane, template, body
	FROM due
), next AS (
	SELECT min(n.due_at) AS due_at
	FROM open o CROSS JOIN LATERAL (
		SELECT s.due_at FROM "messages".smsplus_state s
		WHERE s.lane = o.lane AND s.due_at IS NOT NULL AND s.id NOT IN (SELECT id FROM due)
		ORDER BY s.due_at LIMIT 1
	) n
)
SELECT next.due_at, s.was_due, s.id, s.triggered_at, s.due_at, s.version, s.claims, s.status, s.channel, s.lane, s.template, s.body,
	m.route, m.phone, m.key, m.fixed
FROM next LEFT JOIN (s CROSS JOIN LATERAL (
	SELECT * FROM "messages".smsplus_message m
	WHERE (m.triggered_at, m.id) >= (s.triggered_at, s.id) AND (m.triggered_at, m.id) <= (s.triggered_at, s.id)
	ORDER BY m.triggered_at, m.id
	LIMIT 1) m) ON true
ORDER BY s.was_due

-- partitioned by month
WITH RECURSIVE lane AS (
	(SELECT lane FROM "messages".smsplus_state WHERE due_at IS NOT NULL ORDER BY lane LIMIT 1)
	UNION ALL
	SELECT (SELECT s.lane FROM "messages".smsplus_state s
		WHERE s.due_at IS NOT NULL AND s.lane > l.lane ORDER BY s.lane LIMIT 1)
	FROM lane l WHERE l.lane IS NOT NULL
), open AS MATERIALIZED (
	SELECT unnest(ARRAY (SELECT lane FROM lane WHERE lane <> ALL ($3::text[]))) AS lane
), due AS MATERIALIZED (
	SELECT d.*
	FROM open o CROSS JOIN LATERAL (
		SELECT * FROM (
			SELECT s.* FROM "messages".smsplus_state s
			WHERE s.lane = o.lane AND s.due_at <= (SELECT $1::timestamptz)
			ORDER BY s.due_at LIMIT (SELECT 256)
			FOR UPDATE SKIP LOCKED
		) s LIMIT 256
	) d
	ORDER BY d.due_at LIMIT 256
), leased AS (
	INSERT INTO "messages".smsplus_state
		(id, triggered_at, template, due_at, version, claims, status, tab, channel, lane, tally, body)
	SELECT id, triggered_at, template, $2::timestamptz, version + 1, claims + 1, status, tab, channel, lane, tally, body FROM due
	ON CONFLICT (id, triggered_at) DO UPDATE
	SET due_at = excluded.due_at, version = excluded.version, claims = excluded.claims
), s AS (
	SELECT due_at AS was_due, id, triggered_at, $2::timestamptz AS due_at, version + 1 AS version, claims + 1 AS claims,
		status, channel, lane, template, body
	FROM due
), next AS (
	SELECT min(n.due_at) AS due_at
	FROM open o CROSS JOIN LATERAL (
		SELECT s.due_at FROM "messages".smsplus_state s
		WHERE s.lane = o.lane AND s.due_at IS NOT NULL AND s.id NOT IN (SELECT id FROM due)
		ORDER BY s.due_at LIMIT 1
	) n
)
SELECT next.due_at, s.was_due, s.id, s.triggered_at, s.due_at, s.version, s.claims, s.status, s.channel, s.lane, s.template, s.body,
	m.route, m.phone, m.key, m.fixed
FROM next LEFT JOIN (s CROSS JOIN LATERAL (
	SELECT * FROM "messages".smsplus_message m
	WHERE m.triggered_at = s.triggered_at AND m.id = s.id
	LIMIT 1) m) ON true
ORDER BY s.was_due
