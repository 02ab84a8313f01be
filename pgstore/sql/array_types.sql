{{- /*
array_types looks up array types, whose numbers differ from database to database.

Parameters: $1 their qualified names (text[]).
Returns: the name, the number of the array type and that of its elements; no row for a
type that does not exist.
*/ -}}
SELECT n.name, t.oid, t.typelem
FROM unnest($1::text[]) AS n (name) JOIN pg_catalog.pg_type t ON t.oid = to_regtype(n.name)
