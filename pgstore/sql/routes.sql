{{- /*
routes reads routes.

Parameters: $1 the routes' hashes (bigint[]).
Returns: a route's hash and its encoding.
*/ -}}
SELECT id, body FROM {{.Schema}}smsplus_route WHERE id = ANY ($1::bigint[])
