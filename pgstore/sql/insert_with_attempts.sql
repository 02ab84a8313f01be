{{- /*
insert_with_attempts is insert_keyed for messages that have attempts, or routes that are not
known to be stored.

Parameters: those of insert_keyed, but $3 is the routes themselves (smsplus_new_route[]),
which are stored; $5 attempts (smsplus_new_attempt[]).
Returns: as insert_keyed.

Why it is written this way:
  - It is a statement of its own, because such messages are rare and PostgreSQL
    initializes every part of a statement on each execution, used or not.
*/ -}}
WITH {{template "find_taken" .}}, routes AS MATERIALIZED (
	SELECT true AS stored
), free AS MATERIALIZED (
	SELECT WHERE NOT EXISTS (SELECT FROM taken)
), {{template "insert_messages" .OnlyIf "free"}}, attempt AS (
	INSERT INTO {{.Schema}}smsplus_attempt (id, triggered_at, channel, name)
	SELECT id, triggered_at, channel, name FROM free, unnest((SELECT $5::{{.Schema}}smsplus_new_attempt[]))
), route AS (
	INSERT INTO {{.Schema}}smsplus_route (id, body)
	SELECT id, body FROM free, unnest((SELECT $3::{{.Schema}}smsplus_new_route[]))
	ON CONFLICT DO NOTHING
){{template "insert_keys" .}}
{{template "select_taken" .}}
