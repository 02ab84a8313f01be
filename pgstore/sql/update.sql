{{- /*
update replaces the states of messages whose version is the given one.

Parameters: $1 states (.NewStateType[]), ordered by ID. With partitions, .From and
.To are the edges of the months of all messages in the batch.
Returns: an array of the IDs of the messages that were updated.

Why it is written this way:
  - moved locks the rows in the order in which they are given. The second of two
    concurrent batches waits for the first, and then finds other versions.
  - A message's last attempt comes in columns of its own (last, name). Only for messages
    with several attempts is the tally taken apart; names has one word for each of its
    words.
  - The months' edges are part of the text, so that the plan contains no other month.
  - state and renamed write by INSERT with ON CONFLICT, which always goes through the
    index. moved looks up each row as the first one that is neither before nor after its
    ID. For a join, the planner may choose to read the whole table while it is small, and
    keep to that plan until the table is next analyzed. For this form it does so only
    while the table has no more than some pages.
  - delta has a row of nothing where changes of tallies cancel each other out: it marks the
    hour (sheet.go).
  - The array is a subquery: see insert_messages.
*/ -}}
{{define "moved_attempts"}}(
		SELECT id, triggered_at, was, last AS channel, name FROM moved WHERE last <> '' AND names = ''
		UNION ALL
		SELECT m.id, m.triggered_at, m.was, split_part(w.word, ':', 1), nullif(w.name, '')::bigint
		FROM moved m CROSS JOIN unnest(string_to_array(m.tally, ' '), string_to_array(m.names, ' ')) AS w (word, name)
		WHERE m.names <> '' AND strpos(w.word, ':') > 0
	){{end -}}
WITH new AS MATERIALIZED (
	SELECT * FROM unnest((SELECT $1::{{.Schema}}{{.NewStateType}}[]))
), moved AS MATERIALIZED (
	SELECT n.id, n.due_at, {{.HoldColumns.From "n"}}, {{.OutcomeColumns.From "n"}}, n.last, n.name, n.names,
		o.version, o.triggered_at, o.template, o.tally AS was
	FROM new n CROSS JOIN LATERAL (
		SELECT s.version, s.triggered_at, s.template, s.tally FROM {{.Schema}}smsplus_state s
		{{if .Partitioned}}
		WHERE s.id = n.id AND s.triggered_at = n.triggered_at AND s.triggered_at >= '{{.From}}' AND s.triggered_at < '{{.To}}'
		{{else}}
		WHERE s.id >= n.id AND s.id <= n.id ORDER BY s.id LIMIT 1
		{{end}}
		FOR UPDATE
	) o
	WHERE o.version = n.version
), state AS (
	INSERT INTO {{.Schema}}smsplus_state
		({{.StateColumns}})
	SELECT id, triggered_at, template, due_at, version + 1, {{.HoldColumns}}, {{.OutcomeColumns}} FROM moved
	ON CONFLICT (id{{if .Partitioned}}, triggered_at{{end}}) DO UPDATE
	SET due_at = excluded.due_at, version = excluded.version, {{.HoldColumns.Excluded}},
		{{.OutcomeColumns.Excluded}}
), {{/* The attempts that are new. */ -}}
attempt AS (
	INSERT INTO {{.Schema}}smsplus_attempt (id, triggered_at, channel, name)
	SELECT id, triggered_at, channel, name FROM {{template "moved_attempts"}} has
	WHERE strpos(was, ' ' || channel || ':') = 0
), {{/* The attempts that have another provider ID than before. */ -}}
renamed AS (
	INSERT INTO {{.Schema}}smsplus_attempt (id, triggered_at, channel, name)
	SELECT id, triggered_at, channel, name FROM {{template "moved_attempts"}} has
	WHERE strpos(was, ' ' || channel || ':') > 0 AND name IS DISTINCT FROM (
		SELECT a.name FROM {{.Schema}}smsplus_attempt a
		{{if .Partitioned}}
		WHERE a.channel = has.channel AND a.triggered_at = has.triggered_at AND a.id = has.id
			AND a.triggered_at >= '{{.From}}' AND a.triggered_at < '{{.To}}'
		{{else}}
		WHERE (a.channel, a.triggered_at, a.id) >= (has.channel, has.triggered_at, has.id)
			AND (a.channel, a.triggered_at, a.id) <= (has.channel, has.triggered_at, has.id)
		ORDER BY a.channel, a.triggered_at, a.id LIMIT 1
		{{end}}
	)
	ON CONFLICT (channel, triggered_at, id) DO UPDATE SET name = excluded.name
), {{/* The attempts that the message no longer has. */ -}}
gone AS MATERIALIZED (
	SELECT m.id, m.triggered_at, split_part(w.word, ':', 1) AS channel
	FROM moved m CROSS JOIN unnest(string_to_array(m.was, ' ')) AS w (word)
	WHERE strpos(m.was, ':') > 0 AND strpos(w.word, ':') > 0 AND strpos(m.tally, ' ' || split_part(w.word, ':', 1) || ':') = 0
), dropped AS (
	DELETE FROM {{.Schema}}smsplus_attempt a USING gone g
	WHERE a.channel = g.channel AND a.triggered_at = g.triggered_at AND a.id = g.id
		{{if .Partitioned}}AND a.triggered_at >= '{{.From}}' AND a.triggered_at < '{{.To}}'{{end}}
), {{/* What the batch changes of the counts: one less of the old tally, one more of the new. */ -}}
counted AS (
	SELECT {{template "hour"}} AS hour, template, was, tally, count(*)::integer AS n FROM moved GROUP BY 1, 2, 3, 4
), delta AS (
	INSERT INTO {{.Schema}}smsplus_delta (hour, template, tally, n)
	SELECT c.hour, c.template, t.tally, sum(t.n)
	FROM counted c CROSS JOIN LATERAL (VALUES (c.was, -c.n), (c.tally, c.n)) AS t (tally, n)
	GROUP BY 1, 2, 3
	HAVING sum(t.n) <> 0 OR bool_or(c.was <> c.tally)
)
SELECT array_agg(id) FROM moved
