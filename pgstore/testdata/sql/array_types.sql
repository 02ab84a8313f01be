-- either layout
SELECT current_setting('server_encoding'), current_setting('client_encoding'), current_setting('standard_conforming_strings'),
	current_setting('DateStyle'), current_setting('bytea_output'), n.name, coalesce(t.oid, 0), coalesce(t.typelem, 0)
FROM unnest($1::text[]) AS n (name) LEFT JOIN pg_catalog.pg_type t ON t.oid = to_regtype(n.name)
