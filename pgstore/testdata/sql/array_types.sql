-- either layout
SELECT n.name, t.oid, t.typelem
FROM unnest($1::text[]) AS n (name) JOIN pg_catalog.pg_type t ON t.oid = to_regtype(n.name)
