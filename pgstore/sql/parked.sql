{{- /*
parked reads the receipts that are parked under provider IDs.

Parameters: $1 hashes of provider IDs (bigint[]).
Returns: the place of a receipt (ref and key) and its encoding. Another provider ID may have the same hash: the caller
checks.
*/ -}}
SELECT ref, key, body FROM {{.Schema}}smsplus_parked WHERE ref = ANY ($1::bigint[])
