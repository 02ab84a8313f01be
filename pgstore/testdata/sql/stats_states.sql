-- either layout
SELECT template, tally, count(*), 0, 0, 0, 0, 0, 0, 0 FROM "messages".smsplus_state WHERE tab IN (1, 2, 3, 4) AND triggered_at >= $1 AND triggered_at < $2 GROUP BY 1, 2
