-- either layout
WITH held AS MATERIALIZED (
	SELECT s.id FROM "messages".smsplus_state s
	WHERE s.id = ANY ($1::uuid[])
		AND EXISTS (SELECT FROM unnest($1::uuid[], $2::bigint[]) AS n (id, version) WHERE n.id = s.id AND n.version = s.version)
	ORDER BY s.id
	FOR UPDATE
), state AS (
	UPDATE "messages".smsplus_state SET due_at = $3, version = version + 1, claims = claims - 1, holder = 0
	WHERE id = ANY (ARRAY (SELECT id FROM held))
	RETURNING id, triggered_at, version
)
INSERT INTO "messages".smsplus_set_aside (id, triggered_at, version)
SELECT id, triggered_at, version FROM state ORDER BY id
ON CONFLICT (id) DO UPDATE SET version = excluded.version
