-- without partitions
WITH oldest AS MATERIALIZED (
	SELECT * FROM (
		(SELECT m.triggered_at AS at, m.id, NULL::bigint AS ref, NULL::bigint AS key
		FROM "messages".smsplus_message m
		JOIN "messages".smsplus_state s ON s.id = m.id
		WHERE m.triggered_at < $1 AND s.due_at IS NULL
		ORDER BY m.triggered_at LIMIT 256)
		UNION ALL
		(SELECT at, NULL, ref, key FROM "messages".smsplus_parked WHERE at < $1 ORDER BY at LIMIT 256)
	) both_kinds
	ORDER BY at LIMIT 256
), ended AS MATERIALIZED (
	SELECT s.id FROM "messages".smsplus_state s
	WHERE s.id = ANY (ARRAY (SELECT id FROM oldest WHERE id IS NOT NULL)) AND s.due_at IS NULL
	ORDER BY s.id
	FOR UPDATE SKIP LOCKED
), state AS (
	DELETE FROM "messages".smsplus_state WHERE id = ANY (ARRAY (SELECT id FROM ended))
	RETURNING id, triggered_at, template, tally
), set_aside AS (
	DELETE FROM "messages".smsplus_set_aside a USING state s WHERE a.id = s.id
), message AS (
	DELETE FROM "messages".smsplus_message m USING state s WHERE m.triggered_at = s.triggered_at AND m.id = s.id
), attempt AS (
	DELETE FROM "messages".smsplus_attempt a
	USING (
		SELECT s.triggered_at, s.id, split_part(w.word, ':', 1) AS channel
		FROM state s CROSS JOIN unnest(string_to_array(s.tally, ' ')) WITH ORDINALITY AS w (word, n)
		WHERE w.n > 1
	) g
	WHERE a.channel = g.channel AND a.triggered_at = g.triggered_at AND a.id = g.id
), delta AS (
	INSERT INTO "messages".smsplus_delta (hour, template, tally, n)
	SELECT floor(date_part('epoch', triggered_at) / 3600)::integer, template, tally, -count(*) FROM state GROUP BY 1, 2, 3
), stale AS MATERIALIZED (
	SELECT p.ref, p.key FROM "messages".smsplus_parked p JOIN oldest o ON o.ref = p.ref AND o.key = p.key
	ORDER BY p.ref, p.key
	FOR UPDATE OF p SKIP LOCKED
), parked AS (
	DELETE FROM "messages".smsplus_parked p USING stale s WHERE p.ref = s.ref AND p.key = s.key
	RETURNING 1
)
SELECT (SELECT count(*) FROM state) + (SELECT count(*) FROM parked)

-- partitioned by month
WITH oldest AS MATERIALIZED (
	SELECT * FROM (
		(SELECT m.triggered_at AS at, m.id, NULL::bigint AS ref, NULL::bigint AS key
		FROM "messages".smsplus_message m
		CROSS JOIN LATERAL (
	SELECT * FROM "messages".smsplus_state s WHERE s.triggered_at = m.triggered_at AND s.id = m.id LIMIT 1) s
		WHERE m.triggered_at < $1 AND s.due_at IS NULL
		ORDER BY m.triggered_at LIMIT 256)
		UNION ALL
		(SELECT at, NULL, ref, key FROM "messages".smsplus_parked WHERE at < $1 ORDER BY at LIMIT 256)
	) both_kinds
	ORDER BY at LIMIT 256
), ended AS MATERIALIZED (
	SELECT s.id FROM "messages".smsplus_state s
	WHERE s.id = ANY (ARRAY (SELECT id FROM oldest WHERE id IS NOT NULL)) AND s.due_at IS NULL
		AND s.triggered_at >= (SELECT min(at) FROM oldest WHERE id IS NOT NULL)
		AND s.triggered_at <= (SELECT max(at) FROM oldest WHERE id IS NOT NULL)
	ORDER BY s.id
	FOR UPDATE SKIP LOCKED
), state AS (
	DELETE FROM "messages".smsplus_state WHERE id = ANY (ARRAY (SELECT id FROM ended))
		AND triggered_at >= (SELECT min(at) FROM oldest WHERE id IS NOT NULL)
		AND triggered_at <= (SELECT max(at) FROM oldest WHERE id IS NOT NULL)
	RETURNING id, triggered_at, template, tally
), set_aside AS (
	DELETE FROM "messages".smsplus_set_aside a USING state s WHERE a.id = s.id
), message AS (
	DELETE FROM "messages".smsplus_message m USING state s WHERE m.triggered_at = s.triggered_at AND m.id = s.id
	RETURNING m.key
), key AS (
	DELETE FROM "messages".smsplus_key WHERE key = ANY (ARRAY (SELECT key FROM message WHERE key IS NOT NULL))
), attempt AS (
	DELETE FROM "messages".smsplus_attempt a
	USING (
		SELECT s.triggered_at, s.id, split_part(w.word, ':', 1) AS channel
		FROM state s CROSS JOIN unnest(string_to_array(s.tally, ' ')) WITH ORDINALITY AS w (word, n)
		WHERE w.n > 1
	) g
	WHERE a.channel = g.channel AND a.triggered_at = g.triggered_at AND a.id = g.id
), delta AS (
	INSERT INTO "messages".smsplus_delta (hour, template, tally, n)
	SELECT floor(date_part('epoch', triggered_at) / 3600)::integer, template, tally, -count(*) FROM state GROUP BY 1, 2, 3
), stale AS MATERIALIZED (
	SELECT p.ref, p.key FROM "messages".smsplus_parked p JOIN oldest o ON o.ref = p.ref AND o.key = p.key
	ORDER BY p.ref, p.key
	FOR UPDATE OF p SKIP LOCKED
), parked AS (
	DELETE FROM "messages".smsplus_parked p USING stale s WHERE p.ref = s.ref AND p.key = s.key
	RETURNING 1
)
SELECT (SELECT count(*) FROM state) + (SELECT count(*) FROM parked)
