{{- /*
purge deletes the oldest ended messages and the oldest parked receipts.

Parameters: $1 the time before which they were triggered or parked; .Limit is how many
are deleted at most.
Returns: how many were deleted.

Why it is written this way:
  - Rows that another call has locked are skipped, and left to a later purge.
  - States are locked in the order of their IDs, as updates lock them.
  - With partitions, the range of trigger times keeps the lookups out of the partitions
    of other months.
*/ -}}
WITH oldest AS MATERIALIZED (
	SELECT * FROM (
		(SELECT m.triggered_at AS at, m.id, NULL::bigint AS ref, NULL::bigint AS key
		FROM {{.Schema}}smsplus_message m
		{{template "join_state" .As "m"}}
		WHERE m.triggered_at < $1 AND s.due_at IS NULL
		ORDER BY m.triggered_at LIMIT {{.Limit}})
		UNION ALL
		(SELECT at, NULL, ref, key FROM {{.Schema}}smsplus_parked WHERE at < $1 ORDER BY at LIMIT {{.Limit}})
	) both_kinds
	ORDER BY at LIMIT {{.Limit}}
), ended AS MATERIALIZED (
	SELECT s.id FROM {{.Schema}}smsplus_state s
	WHERE s.id = ANY (ARRAY (SELECT id FROM oldest WHERE id IS NOT NULL)) AND s.due_at IS NULL
		{{if .Partitioned}}
		AND s.triggered_at >= (SELECT min(at) FROM oldest WHERE id IS NOT NULL)
		AND s.triggered_at <= (SELECT max(at) FROM oldest WHERE id IS NOT NULL)
		{{end}}
	ORDER BY s.id
	FOR UPDATE SKIP LOCKED
), state AS (
	DELETE FROM {{.Schema}}smsplus_state WHERE id = ANY (ARRAY (SELECT id FROM ended))
		{{if .Partitioned}}
		AND triggered_at >= (SELECT min(at) FROM oldest WHERE id IS NOT NULL)
		AND triggered_at <= (SELECT max(at) FROM oldest WHERE id IS NOT NULL)
		{{end}}
	RETURNING id, triggered_at, template, tally
), set_aside AS (
	DELETE FROM {{.Schema}}smsplus_set_aside a USING state s WHERE a.id = s.id
), message AS (
	DELETE FROM {{.Schema}}smsplus_message m USING state s WHERE m.triggered_at = s.triggered_at AND m.id = s.id
	{{if .Partitioned}}
	RETURNING m.key
), key AS (
	DELETE FROM {{.Schema}}smsplus_key WHERE key = ANY (ARRAY (SELECT key FROM message WHERE key IS NOT NULL))
	{{end}}
), {{/* The words of a tally after the first are its attempts. */ -}}
attempt AS (
	DELETE FROM {{.Schema}}smsplus_attempt a
	USING (
		SELECT s.triggered_at, s.id, split_part(w.word, ':', 1) AS channel
		FROM state s CROSS JOIN unnest(string_to_array(s.tally, ' ')) WITH ORDINALITY AS w (word, n)
		WHERE w.n > 1
	) g
	WHERE a.channel = g.channel AND a.triggered_at = g.triggered_at AND a.id = g.id
), delta AS (
	INSERT INTO {{.Schema}}smsplus_delta (hour, template, tally, n)
	SELECT {{template "hour"}}, template, tally, -count(*) FROM state GROUP BY 1, 2, 3
), stale AS MATERIALIZED (
	SELECT p.ref, p.key FROM {{.Schema}}smsplus_parked p JOIN oldest o ON o.ref = p.ref AND o.key = p.key
	ORDER BY p.ref, p.key
	FOR UPDATE OF p SKIP LOCKED
), parked AS (
	DELETE FROM {{.Schema}}smsplus_parked p USING stale s WHERE p.ref = s.ref AND p.key = s.key
	RETURNING 1
)
SELECT (SELECT count(*) FROM state) + (SELECT count(*) FROM parked)
