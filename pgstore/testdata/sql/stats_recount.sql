-- without partitions
SELECT s.template, s.tally, count(*), 0, 0, 0, 0, 0, 0, 0
FROM "messages".smsplus_state s JOIN "messages".smsplus_message m ON m.triggered_at = s.triggered_at AND m.id = s.id WHERE m.phone = $1 AND s.tab = 3 GROUP BY 1, 2

-- partitioned by month
SELECT s.template, s.tally, count(*), 0, 0, 0, 0, 0, 0, 0
FROM "messages".smsplus_message m CROSS JOIN LATERAL (
	SELECT * FROM "messages".smsplus_state s WHERE s.triggered_at = m.triggered_at AND s.id = m.id LIMIT 1) s WHERE m.phone = $1 AND s.tab = 3 GROUP BY 1, 2
