-- partitioned by month
DELETE FROM "messages".smsplus_key k USING "messages".smsplus_message_2026_03 m WHERE k.key = m.key AND k.id = m.id
