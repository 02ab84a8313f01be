-- without partitions
SELECT s.id, s.triggered_at, s.due_at, s.version, s.claims, s.sending, s.holder, s.status, s.channel, s.lane, s.template, s.body, m.route, m.phone, m.key, m.fixed FROM (
	SELECT * FROM "messages".smsplus_message
	WHERE (triggered_at, id) > ($1, $2) AND triggered_at >= $1 AND triggered_at < $3
	ORDER BY triggered_at, id LIMIT (SELECT 256)
) m CROSS JOIN LATERAL (
	SELECT * FROM "messages".smsplus_state s WHERE s.id >= m.id AND s.id <= m.id ORDER BY s.id LIMIT 1) s
ORDER BY m.triggered_at, m.id

-- partitioned by month
SELECT s.id, s.triggered_at, s.due_at, s.version, s.claims, s.sending, s.holder, s.status, s.channel, s.lane, s.template, s.body, m.route, m.phone, m.key, m.fixed FROM (
	SELECT * FROM "messages".smsplus_message
	WHERE (triggered_at, id) > ($1, $2) AND triggered_at >= $1 AND triggered_at < $3
	ORDER BY triggered_at, id LIMIT (SELECT 256)
) m CROSS JOIN LATERAL (
	SELECT * FROM "messages".smsplus_state s WHERE s.triggered_at = m.triggered_at AND s.id = m.id LIMIT 1) s
ORDER BY m.triggered_at, m.id
