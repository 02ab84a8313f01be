-- without partitions
WITH RECURSIVE lane AS (
	(SELECT lane, due_at FROM "messages".smsplus_state WHERE due_at IS NOT NULL ORDER BY lane, due_at LIMIT 1)
	UNION ALL
	SELECT n.lane, n.due_at
	FROM lane l CROSS JOIN LATERAL (
		SELECT s.lane, s.due_at FROM "messages".smsplus_state s
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
			SELECT s.* FROM "messages".smsplus_state s
			WHERE s.lane = o.lane AND s.due_at <= $1
				AND s.template <> ALL ($5::text[])
			ORDER BY s.due_at LIMIT (SELECT 256)
			FOR UPDATE SKIP LOCKED
		) s LIMIT 256
	) d
	WHERE o.due_at <= $1
	ORDER BY d.due_at LIMIT 256
), leased AS (
	INSERT INTO "messages".smsplus_state
		(id, triggered_at, template, due_at, version, claims, sending, holder, status, tab, channel, lane, tally, reasons, body)
	SELECT id, triggered_at, template, $2::timestamptz, version + 1, claims + 1, sending, $4::bigint, status, tab, channel, lane, tally, reasons, body FROM due
	ON CONFLICT (id) DO UPDATE
	SET due_at = excluded.due_at, version = excluded.version, claims = excluded.claims, holder = excluded.holder
), s AS (
	SELECT due_at AS was_due, id, triggered_at, $2::timestamptz AS due_at, version + 1 AS version, claims + 1 AS claims, sending,
		$4::bigint AS holder, status, channel, lane, template, body
	FROM due
), next AS (
	SELECT min(n.due_at) AS due_at
	FROM open o CROSS JOIN LATERAL (
		SELECT s.due_at FROM "messages".smsplus_state s
		WHERE s.lane = o.lane AND s.due_at >= o.due_at AND s.template <> ALL ($5::text[]) AND s.id NOT IN (SELECT id FROM due)
		ORDER BY s.due_at LIMIT 1
	) n
)
SELECT next.due_at, passed.lanes, passed.due_ats,
	extract(epoch FROM clock_timestamp() - statement_timestamp())::float8, s.was_due, s.id, s.triggered_at, s.due_at, s.version, s.claims, s.sending, s.holder, s.status, s.channel, s.lane, s.template, s.body, m.route, m.phone, m.key, m.fixed
FROM next CROSS JOIN passed LEFT JOIN (s CROSS JOIN LATERAL (
	SELECT * FROM "messages".smsplus_message m
	WHERE (m.triggered_at, m.id) >= (s.triggered_at, s.id) AND (m.triggered_at, m.id) <= (s.triggered_at, s.id)
	ORDER BY m.triggered_at, m.id
	LIMIT 1) m) ON true
ORDER BY s.was_due

-- partitioned by month
WITH RECURSIVE lane AS (
	(SELECT lane, due_at FROM "messages".smsplus_state WHERE due_at IS NOT NULL ORDER BY lane, due_at LIMIT 1)
	UNION ALL
	SELECT n.lane, n.due_at
	FROM lane l CROSS JOIN LATERAL (
		SELECT s.lane, s.due_at FROM "messages".smsplus_state s
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
			SELECT s.* FROM "messages".smsplus_state s
			WHERE s.lane = o.lane AND s.due_at <= (SELECT $1::timestamptz)
				AND s.template <> ALL ($5::text[])
			ORDER BY s.due_at LIMIT (SELECT 256)
			FOR UPDATE SKIP LOCKED
		) s LIMIT 256
	) d
	WHERE o.due_at <= (SELECT $1::timestamptz)
	ORDER BY d.due_at LIMIT 256
), leased AS (
	INSERT INTO "messages".smsplus_state
		(id, triggered_at, template, due_at, version, claims, sending, holder, status, tab, channel, lane, tally, reasons, body)
	SELECT id, triggered_at, template, $2::timestamptz, version + 1, claims + 1, sending, $4::bigint, status, tab, channel, lane, tally, reasons, body FROM due
	ON CONFLICT (id, triggered_at) DO UPDATE
	SET due_at = excluded.due_at, version = excluded.version, claims = excluded.claims, holder = excluded.holder
), s AS (
	SELECT due_at AS was_due, id, triggered_at, $2::timestamptz AS due_at, version + 1 AS version, claims + 1 AS claims, sending,
		$4::bigint AS holder, status, channel, lane, template, body
	FROM due
), next AS (
	SELECT min(n.due_at) AS due_at
	FROM open o CROSS JOIN LATERAL (
		SELECT s.due_at FROM "messages".smsplus_state s
		WHERE s.lane = o.lane AND s.due_at >= o.due_at AND s.template <> ALL ($5::text[]) AND s.id NOT IN (SELECT id FROM due)
		ORDER BY s.due_at LIMIT 1
	) n
)
SELECT next.due_at, passed.lanes, passed.due_ats,
	extract(epoch FROM clock_timestamp() - statement_timestamp())::float8, s.was_due, s.id, s.triggered_at, s.due_at, s.version, s.claims, s.sending, s.holder, s.status, s.channel, s.lane, s.template, s.body, m.route, m.phone, m.key, m.fixed
FROM next CROSS JOIN passed LEFT JOIN (s CROSS JOIN LATERAL (
	SELECT * FROM "messages".smsplus_message m
	WHERE m.triggered_at = s.triggered_at AND m.id = s.id
	LIMIT 1) m) ON true
ORDER BY s.was_due
