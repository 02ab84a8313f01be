-- either layout
SELECT channel, template, since, note FROM "messages".smsplus_pause ORDER BY channel, template
