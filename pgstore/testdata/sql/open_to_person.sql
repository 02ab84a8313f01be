-- without partitions
WITH person AS MATERIALIZED (
	SELECT triggered_at, id FROM "messages".smsplus_message WHERE phone = ANY ($1::text[])
	UNION
	SELECT triggered_at, id FROM "messages".smsplus_message WHERE recipient_ids && $2::uuid[]
)
SELECT s.id, s.triggered_at, s.due_at, s.version, s.claims, s.sending, s.holder, s.status, s.channel, s.lane, s.template, s.body, m.route, m.phone, m.key, m.fixed FROM person p JOIN "messages".smsplus_state s ON s.id = p.id JOIN "messages".smsplus_message m ON m.triggered_at = s.triggered_at AND m.id = s.id
WHERE NOT (s.due_at IS NULL OR s.lane = 'outcome lane:')

-- partitioned by month
WITH person AS MATERIALIZED (
	SELECT triggered_at, id FROM "messages".smsplus_message WHERE phone = ANY ($1::text[])
	UNION
	SELECT triggered_at, id FROM "messages".smsplus_message WHERE recipient_ids && $2::uuid[]
)
SELECT s.id, s.triggered_at, s.due_at, s.version, s.claims, s.sending, s.holder, s.status, s.channel, s.lane, s.template, s.body, m.route, m.phone, m.key, m.fixed FROM person p CROSS JOIN LATERAL (
	SELECT * FROM "messages".smsplus_state s WHERE s.triggered_at = p.triggered_at AND s.id = p.id LIMIT 1) s CROSS JOIN LATERAL (
	SELECT * FROM "messages".smsplus_message m WHERE m.triggered_at = s.triggered_at AND m.id = s.id LIMIT 1) m
WHERE NOT (s.due_at IS NULL OR s.lane = 'outcome lane:')
