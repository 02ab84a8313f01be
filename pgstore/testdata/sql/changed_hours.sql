-- either layout
SELECT DISTINCT hour FROM "messages".smsplus_delta WHERE hour >= $1 AND hour < $2
