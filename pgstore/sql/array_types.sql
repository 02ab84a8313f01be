{{- /*
array_types looks up array types, whose OIDs differ from database to database, and the
settings that decide how values are written.

Parameters: $1 their qualified names (text[]).
Returns: the settings (server_encoding, client_encoding, standard_conforming_strings,
DateStyle, bytea_output), the name, the OID of the array type and the OID of its element
type. The OIDs of a type that does not exist are 0.
*/ -}}
SELECT current_setting('server_encoding'), current_setting('client_encoding'), current_setting('standard_conforming_strings'),
	current_setting('DateStyle'), current_setting('bytea_output'), n.name, coalesce(t.oid, 0), coalesce(t.typelem, 0)
FROM unnest($1::text[]) AS n (name) LEFT JOIN pg_catalog.pg_type t ON t.oid = to_regtype(n.name)
