-- without partitions
WITH person AS MATERIALIZED (
	SELECT triggered_at, id FROM "messages".smsplus_message WHERE phone = ANY ($1::text[])
	UNION
	SELECT triggered_at, id FROM "messages".smsplus_message WHERE recipient_ids && $2::uuid[]
), found AS MATERIALIZED (
	SELECT p.triggered_at, p.id FROM person p JOIN "messages".smsplus_state s ON s.id = p.id
	WHERE (s.due_at IS NULL OR s.lane = 'outcome lane:') AND p.id > $3
	ORDER BY p.id LIMIT 1000
)
SELECT s.id, s.triggered_at, s.due_at, s.version, s.claims, s.sending, s.holder, s.status, s.channel, s.lane, s.template, s.body, m.route, m.phone, m.key, m.fixed FROM "messages".smsplus_state s JOIN "messages".smsplus_message m ON m.triggered_at = s.triggered_at AND m.id = s.id
WHERE s.id = ANY (ARRAY (SELECT id FROM found)) AND (s.due_at IS NULL OR s.lane = 'outcome lane:')
ORDER BY s.id
FOR UPDATE OF s

-- partitioned by month
WITH person AS MATERIALIZED (
	SELECT triggered_at, id FROM "messages".smsplus_message WHERE phone = ANY ($1::text[])
	UNION
	SELECT triggered_at, id FROM "messages".smsplus_message WHERE recipient_ids && $2::uuid[]
), found AS MATERIALIZED (
	SELECT p.triggered_at, p.id FROM person p CROSS JOIN LATERAL (
	SELECT * FROM "messages".smsplus_state s WHERE s.triggered_at = p.triggered_at AND s.id = p.id LIMIT 1) s
	WHERE (s.due_at IS NULL OR s.lane = 'outcome lane:') AND p.id > $3
	ORDER BY p.id LIMIT 1000
)
SELECT s.id, s.triggered_at, s.due_at, s.version, s.claims, s.sending, s.holder, s.status, s.channel, s.lane, s.template, s.body, m.route, m.phone, m.key, m.fixed FROM "messages".smsplus_state s JOIN "messages".smsplus_message m ON m.triggered_at = s.triggered_at AND m.id = s.id
WHERE s.id = ANY (ARRAY (SELECT id FROM found)) AND (s.due_at IS NULL OR s.lane = 'outcome lane:')
	AND s.triggered_at >= (SELECT min(triggered_at) FROM found) AND s.triggered_at <= (SELECT max(triggered_at) FROM found)
ORDER BY s.id
FOR UPDATE OF s
