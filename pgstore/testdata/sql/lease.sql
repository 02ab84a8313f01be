-- either layout
INSERT INTO "messages".smsplus_lease AS l (task, holder, until) VALUES ($1, $2, $4)
ON CONFLICT (task) DO UPDATE SET holder = excluded.holder, until = excluded.until
WHERE l.holder = excluded.holder OR l.until <= $3 OR l.until > $5
