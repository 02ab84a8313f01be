-- either layout
INSERT INTO "messages".smsplus_sheet AS s (hours, start, mark, totals, counts, total_times, times, count_sums, time_sums)
SELECT * FROM unnest($1::smallint[], $2::integer[], $3::uuid[], $4::bytea[], $5::bytea[], $6::bytea[], $7::bytea[], $8::bytea[], $9::bytea[]) AS n (hours, start, mark, totals, counts, total_times, times, count_sums, time_sums)
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_subscription_rel WHERE srrelid = to_regclass($10))
ORDER BY hours, start
ON CONFLICT (hours, start) DO UPDATE SET totals = excluded.totals, counts = excluded.counts, total_times = excluded.total_times, times = excluded.times, count_sums = excluded.count_sums, time_sums = excluded.time_sums WHERE s.mark = excluded.mark
