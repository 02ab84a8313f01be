-- either layout
DELETE FROM "messages".smsplus_pause WHERE channel = $1 AND template = $2
