{{- /*
beat stores a heartbeat, and deletes those that are over by its time.

Parameters: $1 ID, $2 name, $3 when the run began, $4 the time of the heartbeat, $5 when it
is over, $6 channels, $7 templates, $8 shares as a JSON object.
Returns: nothing.

Why it is written this way:
  - An INSERT and a DELETE of one statement must not change the same row. So a heartbeat that
    is over at once is not stored, and the row with its ID is deleted.
  - Rows that another heartbeat has locked are left to a later one, so that concurrent ones
    cannot deadlock.
*/ -}}
WITH beat AS (
	INSERT INTO {{.Schema}}smsplus_heartbeat (id, name, started_at, at, until, channels, templates, shares)
	SELECT $1::uuid, $2::text, $3::timestamptz, $4::timestamptz, $5::timestamptz, $6::text[], $7::text[], $8::text::jsonb
	WHERE $5::timestamptz > $4::timestamptz
	ON CONFLICT (id) DO UPDATE SET name = excluded.name, started_at = excluded.started_at, at = excluded.at,
		until = excluded.until, channels = excluded.channels, templates = excluded.templates, shares = excluded.shares
), over AS MATERIALIZED (
	SELECT id FROM {{.Schema}}smsplus_heartbeat
	WHERE until <= $4::timestamptz AND id <> $1::uuid OR id = $1::uuid AND $5::timestamptz <= $4::timestamptz
	FOR UPDATE SKIP LOCKED
)
DELETE FROM {{.Schema}}smsplus_heartbeat WHERE id = ANY (ARRAY (SELECT id FROM over))
