-- either layout
SELECT count(*) FROM "messages".smsplus_delta WHERE hour >= $1 AND hour < $2
