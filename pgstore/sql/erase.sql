{{- /*
erase replaces what identifies a person, and deletes the parked receipts of the person's
messages.

Parameters: one row of the first four arrays for each message: $1 ID (uuid[]), $2 trigger
time (timestamptz[]), $3 the message's new encoding (bytea[]), $4 the state's new encoding
(bytea[]). $5 the hashes of the messages' provider IDs (bigint[]).
Returns: nothing.

Why it is written this way:
  - The version goes up, so that a caller who read a message before cannot write it back.
*/ -}}
WITH new AS MATERIALIZED (
	SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::bytea[], $4::bytea[]) AS n (id, triggered_at, fixed, body)
), state AS (
	UPDATE {{.Schema}}smsplus_state s SET body = n.body, version = s.version + 1
	FROM new n WHERE s.triggered_at = n.triggered_at AND s.id = n.id
	RETURNING s.id, s.triggered_at, s.tally
), message AS (
	UPDATE {{.Schema}}smsplus_message m SET phone = NULL, recipient_ids = NULL, fixed = n.fixed
	FROM new n JOIN state s ON s.id = n.id
	WHERE m.triggered_at = s.triggered_at AND m.id = s.id
), {{/* The words of a tally after the first are its attempts. */ -}}
attempt AS (
	UPDATE {{.Schema}}smsplus_attempt a SET name = NULL
	FROM state s CROSS JOIN unnest(string_to_array(s.tally, ' ')) WITH ORDINALITY AS w (word, n)
	WHERE w.n > 1 AND a.channel = split_part(w.word, ':', 1) AND a.triggered_at = s.triggered_at AND a.id = s.id
)
DELETE FROM {{.Schema}}smsplus_parked WHERE ref = ANY ($5::bigint[])
