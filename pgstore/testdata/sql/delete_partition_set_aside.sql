-- partitioned by month
DELETE FROM "messages".smsplus_set_aside a USING "messages".smsplus_state_2026_03 s WHERE a.id = s.id
