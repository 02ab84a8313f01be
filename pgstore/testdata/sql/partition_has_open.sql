-- partitioned by month
SELECT count(*) FROM (SELECT FROM "messages".smsplus_state_2026_03 WHERE due_at IS NOT NULL LIMIT 1) open
