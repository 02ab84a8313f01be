-- either layout
SELECT template, tally, sum(n), 0, 0, 0, 0, 0, 0, 0 FROM "messages".smsplus_delta WHERE hour >= 492000 AND hour < 492480 GROUP BY 1, 2
