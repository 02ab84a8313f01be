-- either layout
SELECT id, template, triggered_at, tally, coalesce(reasons, '') FROM "messages".smsplus_state WHERE id = ANY ($1::uuid[])
