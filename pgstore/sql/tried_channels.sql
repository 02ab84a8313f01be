{{- /*
tried_channels lists the channels that any message was tried on.

Returns: a channel of smsplus_attempt a row, as attemptChannel (tally.go) writes it.

Why it is written this way:
  - It jumps along the primary key from each channel to the next, as claim does from lane to
    lane.
*/ -}}
WITH RECURSIVE tried AS (
	(SELECT channel FROM {{.Schema}}smsplus_attempt ORDER BY channel LIMIT 1)
	UNION ALL
	SELECT n.channel
	FROM tried t CROSS JOIN LATERAL (
		SELECT a.channel FROM {{.Schema}}smsplus_attempt a WHERE a.channel > t.channel ORDER BY a.channel LIMIT 1
	) n
)
SELECT channel FROM tried
