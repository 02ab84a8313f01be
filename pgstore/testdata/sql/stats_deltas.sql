-- either layout
SELECT template, tally, sum(n), 0, 0, 0, 0, 0, 0, 0 FROM "messages".smsplus_delta WHERE hour >= $1::bigint AND hour < $2::bigint GROUP BY 1, 2
