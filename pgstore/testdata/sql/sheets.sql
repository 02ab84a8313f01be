-- either layout
SELECT s.start, s.mark, s.totals, s.counts, s.total_times, s.times, s.count_sums, s.time_sums
FROM unnest($2::integer[], $3::integer[]) AS r (first, next) CROSS JOIN LATERAL (
	SELECT * FROM "messages".smsplus_sheet WHERE hours = $1 AND start >= r.first AND start < r.next
) s
