-- either layout
WITH gone AS (DELETE FROM "messages".smsplus_delta WHERE hour >= $1 AND hour < $2 RETURNING n)
SELECT coalesce(sum(n), 0) FROM gone
