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
*/ -}}
INSERT INTO {{.Schema}}smsplus_parked (ref, key, at, body)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::bytea[]) AS n (ref, key, at, body)
ORDER BY ref, key
ON CONFLICT DO NOTHING
