{{- /*
array_types looks up array types, whose OIDs differ from database to database.

Parameters: $1 their qualified names (text[]).
Returns: the name, the OID of the array type and the OID of its element type. A type that
does not exist has no row.
*/ -}}
SELECT n.name, t.oid, t.typelem
FROM unnest($1::text[]) AS n (name) JOIN pg_catalog.pg_type t ON t.oid = to_regtype(n.name)
