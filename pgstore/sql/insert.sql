{{- /*
insert adds messages that have no keys and no attempts, unless one of their routes is not
stored.

Parameters: $1 messages (.NewMessageType[]), $2 counts (smsplus_new_delta[]), $3 the
messages' routes (bigint[], distinct).
Returns: whether the routes are stored. If not, nothing was added.
*/ -}}
WITH {{template "find_routes" .}}, free AS MATERIALIZED (
	SELECT WHERE (SELECT stored FROM routes)
), {{template "insert_messages" .OnlyIf "free"}}
SELECT stored FROM routes
