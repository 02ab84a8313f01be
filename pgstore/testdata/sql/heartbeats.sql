-- either layout
SELECT id, name, started_at, at, until, channels, templates, shares FROM "messages".smsplus_heartbeat
WHERE until > $1 ORDER BY started_at, id
