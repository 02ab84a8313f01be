{{- /*
table_exists says whether there is a table.

Parameters: $1 its qualified name.
Returns: a boolean.
*/ -}}
SELECT to_regclass($1) IS NOT NULL
