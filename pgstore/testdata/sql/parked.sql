-- either layout
SELECT body FROM "messages".smsplus_parked WHERE ref = ANY ($1::bigint[])
