{{- /*
park stores receipts whose messages are not known yet. Those that are stored already are
left as they are.

Parameters: one row of the four arrays for each receipt: $1 the hash of its provider ID
(bigint[]), $2 the hash of the receipt (bigint[]), $3 its time (timestamptz[]), $4 its
encoding (bytea[]).
Returns: nothing.

Why it is written this way:
  - Rows are inserted in the order of the primary key, as unpark and purge lock them, so
    that concurrent calls cannot deadlock.
  - A row that is there already is locked, not changed, so that this commit waits as the one
    that stored it should have: see find_taken.
*/ -}}
INSERT INTO {{.Schema}}smsplus_parked (ref, key, at, body)
SELECT DISTINCT ON (ref, key) * FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::bytea[]) AS n (ref, key, at, body)
ORDER BY ref, key
ON CONFLICT (ref, key) DO UPDATE SET at = excluded.at WHERE false
