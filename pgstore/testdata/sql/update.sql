-- without partitions
WITH new AS MATERIALIZED (
	SELECT * FROM unnest((SELECT $1::"messages".smsplus_new_state_6[]))
), moved AS MATERIALIZED (
	SELECT n.id, n.due_at, n.claims, n.sending, n.holder, n.status, n.tab, n.channel, n.lane, n.tally, n.reasons, n.body, n.last, n.name, n.names,
		o.version, o.triggered_at, o.template, o.tally AS was
	FROM new n CROSS JOIN LATERAL (
		SELECT s.version, s.triggered_at, s.template, s.tally FROM "messages".smsplus_state s
		WHERE s.id >= n.id AND s.id <= n.id ORDER BY s.id LIMIT 1
		FOR UPDATE
	) o
	WHERE o.version = n.version
), state AS (
	INSERT INTO "messages".smsplus_state
		(id, triggered_at, template, due_at, version, claims, sending, holder, status, tab, channel, lane, tally, reasons, body)
	SELECT id, triggered_at, template, due_at, version + 1, claims, sending, holder, status, tab, channel, lane, tally, reasons, body FROM moved
	ON CONFLICT (id) DO UPDATE
	SET due_at = excluded.due_at, version = excluded.version, claims = excluded.claims, sending = excluded.sending, holder = excluded.holder,
		status = excluded.status, tab = excluded.tab, channel = excluded.channel, lane = excluded.lane, tally = excluded.tally, reasons = excluded.reasons, body = excluded.body
), attempt AS (
	INSERT INTO "messages".smsplus_attempt (id, triggered_at, channel, name)
	SELECT id, triggered_at, channel, name FROM (
		SELECT id, triggered_at, was, last AS channel, name FROM moved WHERE last <> '' AND names = ''
		UNION ALL
		SELECT m.id, m.triggered_at, m.was, split_part(w.word, ':', 1), nullif(w.name, '')::bigint
		FROM moved m CROSS JOIN unnest(string_to_array(m.tally, ' '), string_to_array(m.names, ' ')) AS w (word, name)
		WHERE m.names <> '' AND strpos(w.word, ':') > 0
	) has
	WHERE strpos(was, ' ' || channel || ':') = 0
), renamed AS (
	INSERT INTO "messages".smsplus_attempt (id, triggered_at, channel, name)
	SELECT id, triggered_at, channel, name FROM (
		SELECT id, triggered_at, was, last AS channel, name FROM moved WHERE last <> '' AND names = ''
		UNION ALL
		SELECT m.id, m.triggered_at, m.was, split_part(w.word, ':', 1), nullif(w.name, '')::bigint
		FROM moved m CROSS JOIN unnest(string_to_array(m.tally, ' '), string_to_array(m.names, ' ')) AS w (word, name)
		WHERE m.names <> '' AND strpos(w.word, ':') > 0
	) has
	WHERE strpos(was, ' ' || channel || ':') > 0 AND name IS DISTINCT FROM (
		SELECT a.name FROM "messages".smsplus_attempt a
		WHERE (a.channel, a.triggered_at, a.id) >= (has.channel, has.triggered_at, has.id)
			AND (a.channel, a.triggered_at, a.id) <= (has.channel, has.triggered_at, has.id)
		ORDER BY a.channel, a.triggered_at, a.id LIMIT 1
	)
	ON CONFLICT (channel, triggered_at, id) DO UPDATE SET name = excluded.name
), gone AS MATERIALIZED (
	SELECT m.id, m.triggered_at, split_part(w.word, ':', 1) AS channel
	FROM moved m CROSS JOIN unnest(string_to_array(m.was, ' ')) AS w (word)
	WHERE strpos(m.was, ':') > 0 AND strpos(w.word, ':') > 0 AND strpos(m.tally, ' ' || split_part(w.word, ':', 1) || ':') = 0
), dropped AS (
	DELETE FROM "messages".smsplus_attempt a USING gone g
	WHERE a.channel = g.channel AND a.triggered_at = g.triggered_at AND a.id = g.id
), counted AS (
	SELECT floor(date_part('epoch', triggered_at) / 3600)::integer AS hour, template, was, tally, count(*)::integer AS n FROM moved GROUP BY 1, 2, 3, 4
), delta AS (
	INSERT INTO "messages".smsplus_delta (hour, template, tally, n)
	SELECT c.hour, c.template, t.tally, sum(t.n)
	FROM counted c CROSS JOIN LATERAL (VALUES (c.was, -c.n), (c.tally, c.n)) AS t (tally, n)
	GROUP BY 1, 2, 3
	HAVING sum(t.n) <> 0 OR bool_or(c.was <> c.tally)
)
SELECT array_agg(id) FROM moved

-- partitioned by month
WITH new AS MATERIALIZED (
	SELECT * FROM unnest((SELECT $1::"messages".smsplus_new_state_6[]))
), moved AS MATERIALIZED (
	SELECT n.id, n.due_at, n.claims, n.sending, n.holder, n.status, n.tab, n.channel, n.lane, n.tally, n.reasons, n.body, n.last, n.name, n.names,
		o.version, o.triggered_at, o.template, o.tally AS was
	FROM new n CROSS JOIN LATERAL (
		SELECT s.version, s.triggered_at, s.template, s.tally FROM "messages".smsplus_state s
		WHERE s.id = n.id AND s.triggered_at = n.triggered_at AND s.triggered_at >= '2026-03-01T00:00:00Z' AND s.triggered_at < '2026-04-01T00:00:00Z'
		FOR UPDATE
	) o
	WHERE o.version = n.version
), state AS (
	INSERT INTO "messages".smsplus_state
		(id, triggered_at, template, due_at, version, claims, sending, holder, status, tab, channel, lane, tally, reasons, body)
	SELECT id, triggered_at, template, due_at, version + 1, claims, sending, holder, status, tab, channel, lane, tally, reasons, body FROM moved
	ON CONFLICT (id, triggered_at) DO UPDATE
	SET due_at = excluded.due_at, version = excluded.version, claims = excluded.claims, sending = excluded.sending, holder = excluded.holder,
		status = excluded.status, tab = excluded.tab, channel = excluded.channel, lane = excluded.lane, tally = excluded.tally, reasons = excluded.reasons, body = excluded.body
), attempt AS (
	INSERT INTO "messages".smsplus_attempt (id, triggered_at, channel, name)
	SELECT id, triggered_at, channel, name FROM (
		SELECT id, triggered_at, was, last AS channel, name FROM moved WHERE last <> '' AND names = ''
		UNION ALL
		SELECT m.id, m.triggered_at, m.was, split_part(w.word, ':', 1), nullif(w.name, '')::bigint
		FROM moved m CROSS JOIN unnest(string_to_array(m.tally, ' '), string_to_array(m.names, ' ')) AS w (word, name)
		WHERE m.names <> '' AND strpos(w.word, ':') > 0
	) has
	WHERE strpos(was, ' ' || channel || ':') = 0
), renamed AS (
	INSERT INTO "messages".smsplus_attempt (id, triggered_at, channel, name)
	SELECT id, triggered_at, channel, name FROM (
		SELECT id, triggered_at, was, last AS channel, name FROM moved WHERE last <> '' AND names = ''
		UNION ALL
		SELECT m.id, m.triggered_at, m.was, split_part(w.word, ':', 1), nullif(w.name, '')::bigint
		FROM moved m CROSS JOIN unnest(string_to_array(m.tally, ' '), string_to_array(m.names, ' ')) AS w (word, name)
		WHERE m.names <> '' AND strpos(w.word, ':') > 0
	) has
	WHERE strpos(was, ' ' || channel || ':') > 0 AND name IS DISTINCT FROM (
		SELECT a.name FROM "messages".smsplus_attempt a
		WHERE a.channel = has.channel AND a.triggered_at = has.triggered_at AND a.id = has.id
			AND a.triggered_at >= '2026-03-01T00:00:00Z' AND a.triggered_at < '2026-04-01T00:00:00Z'
	)
	ON CONFLICT (channel, triggered_at, id) DO UPDATE SET name = excluded.name
), gone AS MATERIALIZED (
	SELECT m.id, m.triggered_at, split_part(w.word, ':', 1) AS channel
	FROM moved m CROSS JOIN unnest(string_to_array(m.was, ' ')) AS w (word)
	WHERE strpos(m.was, ':') > 0 AND strpos(w.word, ':') > 0 AND strpos(m.tally, ' ' || split_part(w.word, ':', 1) || ':') = 0
), dropped AS (
	DELETE FROM "messages".smsplus_attempt a USING gone g
	WHERE a.channel = g.channel AND a.triggered_at = g.triggered_at AND a.id = g.id
		AND a.triggered_at >= '2026-03-01T00:00:00Z' AND a.triggered_at < '2026-04-01T00:00:00Z'
), counted AS (
	SELECT floor(date_part('epoch', triggered_at) / 3600)::integer AS hour, template, was, tally, count(*)::integer AS n FROM moved GROUP BY 1, 2, 3, 4
), delta AS (
	INSERT INTO "messages".smsplus_delta (hour, template, tally, n)
	SELECT c.hour, c.template, t.tally, sum(t.n)
	FROM counted c CROSS JOIN LATERAL (VALUES (c.was, -c.n), (c.tally, c.n)) AS t (tally, n)
	GROUP BY 1, 2, 3
	HAVING sum(t.n) <> 0 OR bool_or(c.was <> c.tally)
)
SELECT array_agg(id) FROM moved
