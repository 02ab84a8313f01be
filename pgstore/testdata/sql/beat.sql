-- either layout
WITH beat AS (
	INSERT INTO "messages".smsplus_heartbeat (id, name, started_at, at, until, channels, templates, shares)
	SELECT $1::uuid, $2::text, $3::timestamptz, $4::timestamptz, $5::timestamptz, $6::text[], $7::text[], $8::text::jsonb
	WHERE $5::timestamptz > $4::timestamptz
	ON CONFLICT (id) DO UPDATE SET name = excluded.name, started_at = excluded.started_at, at = excluded.at,
		until = excluded.until, channels = excluded.channels, templates = excluded.templates, shares = excluded.shares
), over AS MATERIALIZED (
	SELECT id FROM "messages".smsplus_heartbeat
	WHERE until <= $4::timestamptz AND id <> $1::uuid OR id = $1::uuid AND $5::timestamptz <= $4::timestamptz
	FOR UPDATE SKIP LOCKED
)
DELETE FROM "messages".smsplus_heartbeat WHERE id = ANY (ARRAY (SELECT id FROM over))
