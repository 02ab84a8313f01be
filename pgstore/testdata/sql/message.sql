-- without partitions
SELECT s.id, s.triggered_at, s.due_at, s.version, s.claims, s.sending, s.holder, s.status, s.channel, s.lane, s.template, s.body, m.route, m.phone, m.key, m.fixed FROM "messages".smsplus_state s JOIN "messages".smsplus_message m ON m.triggered_at = s.triggered_at AND m.id = s.id WHERE s.id = $1

-- partitioned by month
SELECT s.id, s.triggered_at, s.due_at, s.version, s.claims, s.sending, s.holder, s.status, s.channel, s.lane, s.template, s.body, m.route, m.phone, m.key, m.fixed FROM "messages".smsplus_state s CROSS JOIN LATERAL (
	SELECT * FROM "messages".smsplus_message m WHERE m.triggered_at = s.triggered_at AND m.id = s.id LIMIT 1) m WHERE s.id = $1
