-- A row has another stamp after each change of what its messages count as. It is of no use in
-- the rows of channels.
ALTER TABLE /*schema*/smsplus_tally ADD COLUMN stamp INTEGER NOT NULL DEFAULT 0;
UPDATE /*schema*/smsplus_tally SET stamp = random() WHERE channel = 0;

-- What the messages of a day count as, for statistics that smsplus_tally does not answer. It
-- is a cache: an hour counts only while its stamp is that of smsplus_tally.
CREATE TABLE /*schema*/smsplus_sheet (
	day         INTEGER PRIMARY KEY, -- since 1970
	stamp       INTEGER NOT NULL,    -- the sum of the day's stamps; 0: not all of its hours are counted
	hours       BLOB NOT NULL,       -- the sum of the stamps of each hour; 0: it is not counted
	-- The short ones first, which most queries need alone.
	totals      BLOB NOT NULL,       -- counts by channel, as encoded
	total_times BLOB NOT NULL,       -- times to delivery by channel
	day_counts  BLOB NOT NULL,       -- counts, without the time of the day
	day_times   BLOB NOT NULL,       -- times, without the time of the day
	counts      BLOB NOT NULL,       -- counts by template, scenario, channel and reason
	times       BLOB NOT NULL        -- times to delivery by template, scenario and channel
) STRICT;
