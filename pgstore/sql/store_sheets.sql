{{- /*
store_sheets stores counts of hours and days, unless these have changed since the counts were
read.

Parameters: one row of the arrays for each period: $1 its length in hours (smallint[]), $2
start (integer[]), $3 the mark that it had, or a new one (uuid[]), $4 to $9 the counts
(bytea[]); $10 the qualified name of the table of deltas.
Returns: nothing; the rows that are affected are those that were stored.

Why it is written this way:
  - A row with another mark than $3 is left as it is: the period has changed since. See
    sheet.go.
  - Rows are locked in the order of their keys, as the triggers of the deltas lock them.
  - A subscriber of logical replication stores nothing. Triggers that mark its sheets do not
    run there, and its rows would be in the way of those that come.
*/ -}}
INSERT INTO {{.Schema}}smsplus_sheet AS s (hours, start, mark, {{.SheetColumns}})
SELECT * FROM unnest($1::smallint[], $2::integer[], $3::uuid[], $4::bytea[], $5::bytea[], $6::bytea[], $7::bytea[], $8::bytea[], $9::bytea[]) AS n (hours, start, mark, {{.SheetColumns}})
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_subscription_rel WHERE srrelid = to_regclass($10))
ORDER BY hours, start
ON CONFLICT (hours, start) DO UPDATE SET {{.SheetColumns.Excluded}} WHERE s.mark = excluded.mark
