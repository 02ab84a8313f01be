-- either layout
DELETE FROM "messages".smsplus_total t
USING unnest($1::text[], $2::smallint[], $3::integer[], $4::smallint[], $5::text[]) AS n (channel, span, start, tab, template)
WHERE t.channel = n.channel AND t.span = n.span AND t.start = n.start AND t.tab = n.tab AND t.template = n.template
	AND t.preparing = 0 AND t.accepted = 0 AND t.failed = 0 AND t.undeliverable = 0 AND t.delivered = 0
	AND t."read" = 0 AND t.twice = 0
