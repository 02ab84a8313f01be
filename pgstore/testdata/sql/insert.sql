-- either layout
WITH message AS (
	INSERT INTO "messages".smsplus_message (id, triggered_at, route, template, country, phone, key, fixed)
	SELECT id, triggered_at, route, template, country, phone, key, fixed
	FROM unnest((SELECT $1::"messages".smsplus_new_message[]))
), state AS (
	INSERT INTO "messages".smsplus_state
		(id, triggered_at, template, due_at, version, claims, status, tab, channel, lane, tally, body)
	SELECT id, triggered_at, template, due_at, version, claims, status, tab, channel, lane, tally, body
	FROM unnest((SELECT $1::"messages".smsplus_new_message[]))
), delta AS (
	INSERT INTO "messages".smsplus_delta (hour, template, tally, n)
	SELECT hour, template, tally, n FROM unnest((SELECT $2::"messages".smsplus_new_delta[]))
)
SELECT WHERE false
