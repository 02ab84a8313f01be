{{- /*
insert_keyed adds messages, unless one of their keys is taken or one of their routes is not
stored.

Parameters: those of insert, $4 the messages' keys (text[]).
Returns: whether the routes are stored, and the messages that have one of the keys
(.MessageColumns): a row for each, or one without a message. If there is any, or the routes
are not stored, nothing was added.
*/ -}}
WITH {{template "find_taken" .}}, {{template "find_routes" .}}, free AS MATERIALIZED (
	SELECT WHERE NOT EXISTS (SELECT FROM taken) AND (SELECT stored FROM routes)
), {{template "insert_messages" .OnlyIf "free"}}{{template "insert_keys" .}}
{{template "select_taken" .}}
