-- either layout
WITH RECURSIVE tried AS (
	(SELECT channel FROM "messages".smsplus_attempt ORDER BY channel LIMIT 1)
	UNION ALL
	SELECT n.channel
	FROM tried t CROSS JOIN LATERAL (
		SELECT a.channel FROM "messages".smsplus_attempt a WHERE a.channel > t.channel ORDER BY a.channel LIMIT 1
	) n
)
SELECT channel FROM tried
