-- either layout
WITH gone AS (
	DELETE FROM "messages".smsplus_total
	WHERE span = 1 AND start >= $1 AND start < $2 OR span = 24 AND start >= $1 / 24 AND start < $2 / 24
	RETURNING *
), long AS (
	SELECT channel, floor(start / 8.0)::integer AS start, tab, template, sum(preparing) AS preparing, sum(accepted) AS accepted,
		sum(failed) AS failed, sum(undeliverable) AS undeliverable, sum(delivered) AS delivered, sum("read") AS "read", sum(twice) AS twice
	FROM gone WHERE span = 24
	GROUP BY 1, 2, 3, 4
), less AS (
	UPDATE "messages".smsplus_total t SET preparing = t.preparing - l.preparing, accepted = t.accepted - l.accepted,
		failed = t.failed - l.failed, undeliverable = t.undeliverable - l.undeliverable, delivered = t.delivered - l.delivered,
		"read" = t."read" - l."read", twice = t.twice - l.twice
	FROM long l
	WHERE t.channel = l.channel AND t.span = 192 AND t.start = l.start AND t.tab = l.tab AND t.template = l.template
)
SELECT coalesce(sum(preparing + accepted + failed + undeliverable + delivered), 0)::bigint
FROM gone WHERE span = 24 AND channel = ''
