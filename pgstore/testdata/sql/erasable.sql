-- either layout
SELECT s.id, s.triggered_at, s.due_at, s.version, s.claims, s.sending, s.holder, s.status, s.channel, s.lane, s.template, s.body,
	m.route, m.phone, m.key, m.fixed FROM "messages".smsplus_state s JOIN "messages".smsplus_message m ON m.triggered_at = s.triggered_at AND m.id = s.id
WHERE m.phone = ANY ($1::text[]) AND s.due_at IS NULL AND s.id > $2
ORDER BY s.id LIMIT 1000
FOR UPDATE OF s
