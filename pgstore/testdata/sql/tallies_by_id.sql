-- either layout
SELECT id, template, triggered_at, tally FROM "messages".smsplus_state WHERE id = ANY ($1::uuid[])
