{{- /*
add_totals adds counts to the totals.

Parameters: one row of the arrays for each total, in the order of the primary key, so
that concurrent folds cannot deadlock: $1 channel (text[]), $2 span (smallint[]), $3 start
(integer[]), $4 tab (smallint[]), $5 template (text[]), $6 to $12 the counts (bigint[]).
Returns: one empty row.
*/ -}}
WITH added AS (
	INSERT INTO {{.Schema}}smsplus_total AS t (channel, span, start, tab, template,
		preparing, accepted, failed, undeliverable, delivered, "read", twice)
	SELECT * FROM unnest($1::text[], $2::smallint[], $3::integer[], $4::smallint[], $5::text[],
		$6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[]) AS n
	ON CONFLICT (channel, span, start, tab, template) DO UPDATE SET
		preparing = t.preparing + excluded.preparing, accepted = t.accepted + excluded.accepted,
		failed = t.failed + excluded.failed, undeliverable = t.undeliverable + excluded.undeliverable,
		delivered = t.delivered + excluded.delivered, "read" = t."read" + excluded."read", twice = t.twice + excluded.twice
)
SELECT
