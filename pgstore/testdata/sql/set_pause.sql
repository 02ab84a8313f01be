-- either layout
INSERT INTO "messages".smsplus_pause (channel, template, since, note) VALUES ($1, $2, $3, $4)
ON CONFLICT (channel, template) DO UPDATE SET since = excluded.since WHERE false
