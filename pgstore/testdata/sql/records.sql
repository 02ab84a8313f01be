-- without partitions
WITH page AS MATERIALIZED (
	SELECT t.triggered_at, t.id FROM "messages".smsplus_message t WHERE t.phone = $1 AND (t.triggered_at, t.id) < ($2, $3) ORDER BY t.triggered_at DESC, t.id DESC LIMIT 256
)
SELECT s.id, s.triggered_at, s.due_at, s.version, s.claims, s.sending, s.holder, s.status, s.channel, s.lane, s.template, s.body, m.route, m.phone, m.key, m.fixed
FROM page p JOIN "messages".smsplus_state s ON s.id = p.id JOIN "messages".smsplus_message m ON m.triggered_at = s.triggered_at AND m.id = s.id
ORDER BY p.triggered_at DESC, p.id DESC

-- partitioned by month
WITH page AS MATERIALIZED (
	SELECT t.triggered_at, t.id FROM "messages".smsplus_message t WHERE t.phone = $1 AND (t.triggered_at, t.id) < ($2, $3) ORDER BY t.triggered_at DESC, t.id DESC LIMIT 256
)
SELECT s.id, s.triggered_at, s.due_at, s.version, s.claims, s.sending, s.holder, s.status, s.channel, s.lane, s.template, s.body, m.route, m.phone, m.key, m.fixed
FROM page p CROSS JOIN LATERAL (
	SELECT * FROM "messages".smsplus_state s WHERE s.triggered_at = p.triggered_at AND s.id = p.id LIMIT 1) s CROSS JOIN LATERAL (
	SELECT * FROM "messages".smsplus_message m WHERE m.triggered_at = s.triggered_at AND m.id = s.id LIMIT 1) m
ORDER BY p.triggered_at DESC, p.id DESC
