-- without partitions
WITH RECURSIVE lane AS (
	(SELECT lane, due_at FROM "messages".smsplus_state WHERE due_at IS NOT NULL ORDER BY lane, due_at LIMIT 1)
	UNION ALL
	SELECT n.lane, n.due_at
	FROM lane l CROSS JOIN LATERAL (
		SELECT s.lane, s.due_at FROM "messages".smsplus_state s
		WHERE s.due_at IS NOT NULL AND s.lane > l.lane ORDER BY s.lane, s.due_at LIMIT 1
	) n
), aside AS MATERIALIZED (
	SELECT s.lane, count(*) AS n FROM "messages".smsplus_set_aside a
	CROSS JOIN LATERAL (
	SELECT * FROM "messages".smsplus_state s WHERE s.id >= a.id AND s.id <= a.id ORDER BY s.id LIMIT 1) s
	WHERE s.version = a.version GROUP BY s.lane
)
SELECT l.lane, due.n, l.due_at, coalesce(aside.n, 0)
FROM lane l CROSS JOIN LATERAL (
	SELECT count(*) AS n FROM "messages".smsplus_state s WHERE s.lane = l.lane AND s.due_at <= $1
) due LEFT JOIN aside ON aside.lane = l.lane
WHERE due.n > 0 OR aside.n > 0
ORDER BY l.lane

-- partitioned by month
WITH RECURSIVE lane AS (
	(SELECT lane, due_at FROM "messages".smsplus_state WHERE due_at IS NOT NULL ORDER BY lane, due_at LIMIT 1)
	UNION ALL
	SELECT n.lane, n.due_at
	FROM lane l CROSS JOIN LATERAL (
		SELECT s.lane, s.due_at FROM "messages".smsplus_state s
		WHERE s.due_at IS NOT NULL AND s.lane > l.lane ORDER BY s.lane, s.due_at LIMIT 1
	) n
), aside AS MATERIALIZED (
	SELECT s.lane, count(*) AS n FROM "messages".smsplus_set_aside a
	CROSS JOIN LATERAL (
	SELECT * FROM "messages".smsplus_state s WHERE s.triggered_at = a.triggered_at AND s.id = a.id LIMIT 1) s
	WHERE s.version = a.version GROUP BY s.lane
)
SELECT l.lane, due.n, l.due_at, coalesce(aside.n, 0)
FROM lane l CROSS JOIN LATERAL (
	SELECT count(*) AS n FROM "messages".smsplus_state s WHERE s.lane = l.lane AND s.due_at <= $1
) due LEFT JOIN aside ON aside.lane = l.lane
WHERE due.n > 0 OR aside.n > 0
ORDER BY l.lane
