-- either layout
INSERT INTO "messages".smsplus_parked (ref, key, at, body)
SELECT DISTINCT ON (ref, key) * FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::bytea[]) AS n (ref, key, at, body)
ORDER BY ref, key
ON CONFLICT (ref, key) DO UPDATE SET at = excluded.at WHERE false
