-- either layout
DELETE FROM "messages".smsplus_delta WHERE id = ANY (ARRAY (
	SELECT id FROM "messages".smsplus_delta ORDER BY id LIMIT 256 FOR UPDATE SKIP LOCKED
))
RETURNING hour, template, tally, n
