-- either layout
SELECT ref, key, body FROM "messages".smsplus_parked WHERE (ref, key) > ($1::bigint, $2::bigint) ORDER BY ref, key LIMIT $3
