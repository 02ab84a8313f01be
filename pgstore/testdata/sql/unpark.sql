-- either layout
WITH gone AS MATERIALIZED (
	SELECT key FROM "messages".smsplus_parked WHERE ref = ANY ($1::bigint[]) AND key <> ALL ($2::bigint[]) ORDER BY ref, key FOR UPDATE
)
DELETE FROM "messages".smsplus_parked WHERE ref = ANY ($1::bigint[]) AND key = ANY (ARRAY (SELECT key FROM gone))
