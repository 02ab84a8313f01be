-- without partitions
WITH taken AS MATERIALIZED (
	SELECT t.id, t.triggered_at
	FROM unnest((SELECT $4::text[])) AS wanted (key) CROSS JOIN LATERAL (
		SELECT id, triggered_at FROM "messages".smsplus_message
		WHERE key >= wanted.key AND key <= wanted.key ORDER BY key LIMIT 1 FOR KEY SHARE
	) t
), routes AS MATERIALIZED (
	SELECT true AS stored
), free AS MATERIALIZED (
	SELECT WHERE NOT EXISTS (SELECT FROM taken)
), message AS (
	INSERT INTO "messages".smsplus_message (id, triggered_at, template, route, country, phone, recipient_ids, reference, key, fixed)
	SELECT id, triggered_at, template, route, country, phone, recipient_ids, reference, key, fixed
	FROM free, unnest((SELECT $1::"messages".smsplus_new_message_6[]))
), state AS (
	INSERT INTO "messages".smsplus_state
		(id, triggered_at, template, due_at, version, claims, sending, holder, status, tab, channel, lane, tally, reasons, body)
	SELECT id, triggered_at, template, due_at, version, claims, sending, holder, status, tab, channel, lane, tally, reasons, body
	FROM free, unnest((SELECT $1::"messages".smsplus_new_message_6[]))
), delta AS (
	INSERT INTO "messages".smsplus_delta (hour, template, tally, n)
	SELECT hour, template, tally, n FROM free, unnest((SELECT $2::"messages".smsplus_new_delta[]))
), attempt AS (
	INSERT INTO "messages".smsplus_attempt (id, triggered_at, channel, name)
	SELECT id, triggered_at, channel, name FROM free, unnest((SELECT $5::"messages".smsplus_new_attempt[]))
), route AS (
	INSERT INTO "messages".smsplus_route (id, body)
	SELECT id, body FROM free, unnest((SELECT $3::"messages".smsplus_new_route[]))
	ON CONFLICT DO NOTHING
)
SELECT routes.stored, s.id, s.triggered_at, s.due_at, s.version, s.claims, s.sending, s.holder, s.status, s.channel, s.lane, s.template, s.body, m.route, m.phone, m.key, m.fixed
FROM routes LEFT JOIN (taken t CROSS JOIN LATERAL (
	SELECT * FROM "messages".smsplus_state s WHERE s.id >= t.id AND s.id <= t.id ORDER BY s.id LIMIT 1) s
CROSS JOIN LATERAL (
	SELECT * FROM "messages".smsplus_message m
	WHERE (m.triggered_at, m.id) >= (s.triggered_at, s.id) AND (m.triggered_at, m.id) <= (s.triggered_at, s.id)
	ORDER BY m.triggered_at, m.id
	LIMIT 1) m) ON true

-- partitioned by month
WITH taken AS MATERIALIZED (
	SELECT t.id, t.triggered_at
	FROM unnest((SELECT $4::text[])) AS wanted (key) CROSS JOIN LATERAL (
		SELECT id, triggered_at FROM "messages".smsplus_key
		WHERE key >= wanted.key AND key <= wanted.key ORDER BY key LIMIT 1 FOR KEY SHARE
	) t CROSS JOIN LATERAL (
	SELECT * FROM "messages".smsplus_state s WHERE s.triggered_at = t.triggered_at AND s.id = t.id LIMIT 1) s
), routes AS MATERIALIZED (
	SELECT true AS stored
), free AS MATERIALIZED (
	SELECT WHERE NOT EXISTS (SELECT FROM taken)
), message AS (
	INSERT INTO "messages".smsplus_message (id, triggered_at, template, route, country, phone, recipient_ids, reference, key, fixed)
	SELECT id, triggered_at, template, route, country, phone, recipient_ids, reference, key, fixed
	FROM free, unnest((SELECT $1::"messages".smsplus_new_message_6[]))
), state AS (
	INSERT INTO "messages".smsplus_state
		(id, triggered_at, template, due_at, version, claims, sending, holder, status, tab, channel, lane, tally, reasons, body)
	SELECT id, triggered_at, template, due_at, version, claims, sending, holder, status, tab, channel, lane, tally, reasons, body
	FROM free, unnest((SELECT $1::"messages".smsplus_new_message_6[]))
), delta AS (
	INSERT INTO "messages".smsplus_delta (hour, template, tally, n)
	SELECT hour, template, tally, n FROM free, unnest((SELECT $2::"messages".smsplus_new_delta[]))
), attempt AS (
	INSERT INTO "messages".smsplus_attempt (id, triggered_at, channel, name)
	SELECT id, triggered_at, channel, name FROM free, unnest((SELECT $5::"messages".smsplus_new_attempt[]))
), route AS (
	INSERT INTO "messages".smsplus_route (id, body)
	SELECT id, body FROM free, unnest((SELECT $3::"messages".smsplus_new_route[]))
	ON CONFLICT DO NOTHING
), key AS (
	INSERT INTO "messages".smsplus_key (id, triggered_at, key)
	SELECT id, triggered_at, key FROM free, unnest((SELECT $1::"messages".smsplus_new_message_6[])) WHERE key IS NOT NULL
)
SELECT routes.stored, s.id, s.triggered_at, s.due_at, s.version, s.claims, s.sending, s.holder, s.status, s.channel, s.lane, s.template, s.body, m.route, m.phone, m.key, m.fixed
FROM routes LEFT JOIN (taken t CROSS JOIN LATERAL (
	SELECT * FROM "messages".smsplus_state s WHERE s.triggered_at = t.triggered_at AND s.id = t.id LIMIT 1) s
CROSS JOIN LATERAL (
	SELECT * FROM "messages".smsplus_message m
	WHERE m.triggered_at = s.triggered_at AND m.id = s.id
	LIMIT 1) m) ON true
