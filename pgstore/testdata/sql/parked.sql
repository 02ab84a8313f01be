-- either layout
SELECT ref, key, body FROM "messages".smsplus_parked WHERE ref = ANY ($1::bigint[])
