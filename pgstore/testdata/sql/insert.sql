-- either layout
WITH routes AS MATERIALIZED (
	SELECT count(*) = cardinality($3::bigint[]) AS stored FROM "messages".smsplus_route WHERE id = ANY ($3::bigint[])
), free AS MATERIALIZED (
	SELECT WHERE (SELECT stored FROM routes)
), message AS (
	INSERT INTO "messages".smsplus_message (id, triggered_at, template, route, country, phone, recipient_ids, reference, key, fixed)
	SELECT id, triggered_at, template, route, country, phone, recipient_ids, reference, key, fixed
	FROM free, unnest((SELECT $1::"messages".smsplus_new_message_6[]))
), state AS (
	INSERT INTO "messages".smsplus_state
		(id, triggered_at, template, due_at, version, claims, sending, holder, status, tab, channel, lane, tally, reasons, body)
	SELECT id, triggered_at, template, due_at, version, claims, sending, holder, status, tab, channel, lane, tally, reasons, body
	FROM free, unnest((SELECT $1::"messages".smsplus_new_message_6[]))
), delta AS (
	INSERT INTO "messages".smsplus_delta (hour, template, tally, n)
	SELECT hour, template, tally, n FROM free, unnest((SELECT $2::"messages".smsplus_new_delta[]))
)
SELECT stored FROM routes
