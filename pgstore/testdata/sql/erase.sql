-- either layout
WITH new AS MATERIALIZED (
	SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::bytea[], $4::bytea[]) AS n (id, triggered_at, fixed, body)
), state AS (
	UPDATE "messages".smsplus_state s SET body = n.body, version = s.version + 1
	FROM new n WHERE s.triggered_at = n.triggered_at AND s.id = n.id
	RETURNING s.id, s.triggered_at, s.tally
), message AS (
	UPDATE "messages".smsplus_message m SET phone = NULL, recipient_ids = NULL, fixed = n.fixed
	FROM new n JOIN state s ON s.id = n.id
	WHERE m.triggered_at = s.triggered_at AND m.id = s.id
), attempt AS (
	UPDATE "messages".smsplus_attempt a SET name = NULL
	FROM state s CROSS JOIN unnest(string_to_array(s.tally, ' ')) WITH ORDINALITY AS w (word, n)
	WHERE w.n > 1 AND a.channel = split_part(w.word, ':', 1) AND a.triggered_at = s.triggered_at AND a.id = s.id
)
DELETE FROM "messages".smsplus_parked WHERE ref = ANY ($5::bigint[])
