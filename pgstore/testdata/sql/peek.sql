-- either layout
SELECT EXISTS (
	SELECT FROM unnest((SELECT $1::text[])) AS o (lane) CROSS JOIN LATERAL (
		SELECT FROM "messages".smsplus_state s
		WHERE s.lane = o.lane AND s.due_at >= (SELECT $2::timestamptz) AND s.due_at <= (SELECT $3::timestamptz)
		ORDER BY s.due_at LIMIT 1
	) d
)
