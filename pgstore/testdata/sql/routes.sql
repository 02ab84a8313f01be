-- either layout
SELECT id, body FROM "messages".smsplus_route WHERE id = ANY ($1::bigint[])
