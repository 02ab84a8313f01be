{{- /*
unpark deletes the receipts that are parked under provider IDs.

Parameters: $1 hashes of provider IDs (bigint[]), $2 keys of receipts to keep (bigint[]).
Returns: nothing.

Why it is written this way:
  - gone locks the rows in the order of the primary key, so that concurrent calls cannot
    deadlock. A DELETE alone locks them in the order in which it finds them.
*/ -}}
WITH gone AS MATERIALIZED (
	SELECT key FROM {{.Schema}}smsplus_parked WHERE ref = ANY ($1::bigint[]) AND key <> ALL ($2::bigint[]) ORDER BY ref, key FOR UPDATE
)
DELETE FROM {{.Schema}}smsplus_parked WHERE ref = ANY ($1::bigint[]) AND key = ANY (ARRAY (SELECT key FROM gone))
