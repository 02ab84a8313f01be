{{- /*
insert_with_attempts is insert_keyed for messages that have attempts, or a route that is
not known to be stored.

Parameters: those of insert_keyed, $4 attempts (smsplus_new_attempt[]), $5 routes
(smsplus_new_route[]).
Returns: as insert_keyed.

Why it is written this way:
  - It is a statement of its own, because such messages are rare and PostgreSQL
    initializes every part of a statement on each execution, used or not.
*/ -}}
WITH {{template "find_taken" .}}, {{template "insert_messages" .OnlyIf "free"}}, attempt AS (
	INSERT INTO {{.Schema}}smsplus_attempt (id, triggered_at, channel, name)
	SELECT id, triggered_at, channel, name FROM free, unnest((SELECT $4::{{.Schema}}smsplus_new_attempt[]))
), route AS (
	INSERT INTO {{.Schema}}smsplus_route (id, body)
	SELECT id, body FROM free, unnest((SELECT $5::{{.Schema}}smsplus_new_route[]))
	ON CONFLICT DO NOTHING
){{template "insert_keys" .}}
{{template "select_taken" .}}
