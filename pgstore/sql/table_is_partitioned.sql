{{- /*
table_is_partitioned says whether a table is partitioned.

Parameters: $1 its qualified name.
Returns: a boolean, or no row if there is no such table.
*/ -}}
SELECT relkind = 'p' FROM pg_catalog.pg_class WHERE oid = to_regclass($1)
