-- without partitions
SELECT s.id, s.triggered_at, s.due_at, s.version, s.claims, s.sending, s.holder, s.status, s.channel, s.lane, s.template, s.body, m.route, m.phone, m.key, m.fixed FROM "messages".smsplus_state s JOIN "messages".smsplus_message m ON m.triggered_at = s.triggered_at AND m.id = s.id
WHERE s.id = ANY (ARRAY (SELECT id FROM "messages".smsplus_attempt WHERE name = ANY ($1::bigint[])))

-- partitioned by month
WITH named AS MATERIALIZED (
	SELECT DISTINCT triggered_at, id FROM "messages".smsplus_attempt WHERE name = ANY (ARRAY (SELECT unnest($1::bigint[])))
)
SELECT s.id, s.triggered_at, s.due_at, s.version, s.claims, s.sending, s.holder, s.status, s.channel, s.lane, s.template, s.body, m.route, m.phone, m.key, m.fixed FROM named n CROSS JOIN LATERAL (
	SELECT * FROM "messages".smsplus_state s WHERE s.triggered_at = n.triggered_at AND s.id = n.id LIMIT 1) s CROSS JOIN LATERAL (
	SELECT * FROM "messages".smsplus_message m WHERE m.triggered_at = s.triggered_at AND m.id = s.id LIMIT 1) m
