{{- /*
set_aside gives messages back whose version is the given one, and notes that they are set
aside.

Parameters: one row of the two arrays for each message: $1 ID (uuid[]), $2 version
(bigint[]); $3 when they are due again.
Returns: nothing.

Why it is written this way:
  - held locks the rows in the order of their IDs, as updates lock them.
*/ -}}
WITH held AS MATERIALIZED (
	SELECT s.id FROM {{.Schema}}smsplus_state s
	WHERE s.id = ANY ($1::uuid[])
		AND EXISTS (SELECT FROM unnest($1::uuid[], $2::bigint[]) AS n (id, version) WHERE n.id = s.id AND n.version = s.version)
	ORDER BY s.id
	FOR UPDATE
), state AS (
	UPDATE {{.Schema}}smsplus_state SET due_at = $3, version = version + 1, claims = claims - 1, holder = 0
	WHERE id = ANY (ARRAY (SELECT id FROM held))
	RETURNING id, triggered_at, version
)
INSERT INTO {{.Schema}}smsplus_set_aside (id, triggered_at, version)
SELECT id, triggered_at, version FROM state ORDER BY id
ON CONFLICT (id) DO UPDATE SET version = excluded.version
