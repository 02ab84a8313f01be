-- without partitions
WITH bound AS MATERIALIZED (
	SELECT pg_snapshot_xmin(pg_current_snapshot()) AS changed
), page AS MATERIALIZED (
	SELECT t.changed, t.triggered_at, t.id FROM "messages".smsplus_state t
	WHERE (t.changed, t.id) > ($1::text::xid8, $2::uuid) AND t.changed < (SELECT changed FROM bound)
	ORDER BY t.changed, t.id LIMIT 256
)
SELECT b.changed::text, p.changed::text, s.id, s.triggered_at, s.due_at, s.version, s.claims, s.sending, s.holder, s.status, s.channel, s.lane, s.template, s.body, m.route, m.phone, m.key, m.fixed
FROM bound b LEFT JOIN (page p JOIN "messages".smsplus_state s ON s.id = p.id JOIN "messages".smsplus_message m ON m.triggered_at = s.triggered_at AND m.id = s.id) ON true
ORDER BY p.changed, p.id

-- partitioned by month
WITH bound AS MATERIALIZED (
	SELECT pg_snapshot_xmin(pg_current_snapshot()) AS changed
), page AS MATERIALIZED (
	SELECT t.changed, t.triggered_at, t.id FROM "messages".smsplus_state t
	WHERE (t.changed, t.id) > ($1::text::xid8, $2::uuid) AND t.changed < (SELECT changed FROM bound)
	ORDER BY t.changed, t.id LIMIT 256
)
SELECT b.changed::text, p.changed::text, s.id, s.triggered_at, s.due_at, s.version, s.claims, s.sending, s.holder, s.status, s.channel, s.lane, s.template, s.body, m.route, m.phone, m.key, m.fixed
FROM bound b LEFT JOIN (page p CROSS JOIN LATERAL (
	SELECT * FROM "messages".smsplus_state s WHERE s.triggered_at = p.triggered_at AND s.id = p.id LIMIT 1) s CROSS JOIN LATERAL (
	SELECT * FROM "messages".smsplus_message m WHERE m.triggered_at = s.triggered_at AND m.id = s.id LIMIT 1) m) ON true
ORDER BY p.changed, p.id
