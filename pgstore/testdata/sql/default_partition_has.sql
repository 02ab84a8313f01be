-- partitioned by month
SELECT EXISTS (SELECT FROM "messages".smsplus_message_default WHERE triggered_at >= $1 AND triggered_at < $2)
