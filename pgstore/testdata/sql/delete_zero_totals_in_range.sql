-- either layout
DELETE FROM "messages".smsplus_total WHERE span = $1 AND start >= $2 AND start < $3
	AND preparing = 0 AND accepted = 0 AND failed = 0 AND undeliverable = 0 AND delivered = 0 AND "read" = 0 AND twice = 0
