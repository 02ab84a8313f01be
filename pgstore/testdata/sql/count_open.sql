-- either layout
SELECT count(*) FROM "messages".smsplus_state s JOIN "messages".smsplus_message m ON m.triggered_at = s.triggered_at AND m.id = s.id
WHERE m.phone = ANY ($1::text[]) AND s.due_at IS NOT NULL
