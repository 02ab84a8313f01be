-- either layout
SELECT t.template, '', 0, sum(t.preparing)::bigint, sum(t.accepted)::bigint, sum(t.failed)::bigint, sum(t.undeliverable)::bigint,
	sum(t.delivered)::bigint, sum(t."read")::bigint, sum(t.twice)::bigint
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS r (span, first, next) CROSS JOIN LATERAL (
	SELECT * FROM "messages".smsplus_total WHERE channel = $4 AND span = r.span AND start >= r.first AND start < r.next OFFSET 0
) t GROUP BY 1
