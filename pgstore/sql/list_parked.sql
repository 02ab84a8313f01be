{{- /*
list_parked reads a page of the parked receipts.

Parameters: $1 and $2 the place of the last receipt of the page before; $3 the length of
the page.
Returns: the place of a receipt (ref and key) and its encoding, in the order of the places.
*/ -}}
SELECT ref, key, body FROM {{.Schema}}smsplus_parked WHERE (ref, key) > ($1::bigint, $2::bigint) ORDER BY ref, key LIMIT $3
