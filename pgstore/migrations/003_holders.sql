-- Who holds a message, and which step the holder may be sending. A release from before
-- may still write rows: it leaves the defaults, which say that nothing is in doubt.
ALTER TABLE /*schema*/smsplus_state
	ADD COLUMN sending smallint NOT NULL DEFAULT -1,
	ADD COLUMN holder  bigint   NOT NULL DEFAULT 0;
-- A message that is held now may be on its way: the step of its last attempt if that is
-- open (status 0), else the next one. A message without a lane only ends.
UPDATE /*schema*/smsplus_state
SET sending = length(tally) - length(replace(tally, ' ', '')) - (tally ~ ' [^ ]*:0r?$')::integer
WHERE due_at IS NOT NULL AND claims > 0 AND lane <> '';

-- The columns of a batch, again with the new ones. A type is never altered, because a
-- release from before may still use it.
CREATE TYPE /*schema*/smsplus_new_message_3 AS (
	id           uuid,
	triggered_at timestamptz,
	template     text,
	route        bigint,
	country      text,
	phone        text,
	key          text,
	fixed        bytea,
	due_at       timestamptz,
	version      bigint,
	claims       integer,
	sending      smallint,
	holder       bigint,
	status       smallint,
	tab          smallint,
	channel      text,
	lane         text,
	tally        text,
	body         bytea
);
CREATE TYPE /*schema*/smsplus_new_state_3 AS (
	id           uuid,
	triggered_at timestamptz,
	version      bigint,
	due_at       timestamptz,
	claims       integer,
	sending      smallint,
	holder       bigint,
	status       smallint,
	tab          smallint,
	channel      text,
	lane         text,
	tally        text,
	body         bytea,
	last         text,
	name         bigint,
	names        text
);

-- Logical replication does not copy the position of a sequence: a replica that takes over
-- would use numbers again. Random IDs need none.
ALTER TABLE /*schema*/smsplus_delta ALTER COLUMN id DROP IDENTITY;
ALTER TABLE /*schema*/smsplus_delta
	ALTER COLUMN id TYPE uuid USING gen_random_uuid(),
	ALTER COLUMN id SET DEFAULT gen_random_uuid();

-- The totals of years pass two thousand million.
ALTER TABLE /*schema*/smsplus_total
	ALTER COLUMN preparing TYPE bigint,
	ALTER COLUMN accepted TYPE bigint,
	ALTER COLUMN failed TYPE bigint,
	ALTER COLUMN undeliverable TYPE bigint,
	ALTER COLUMN delivered TYPE bigint,
	ALTER COLUMN "read" TYPE bigint,
	ALTER COLUMN twice TYPE bigint;
