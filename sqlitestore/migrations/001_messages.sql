-- Times are microseconds since 1970 in UTC. "Number" columns refer to smsplus_name, and
-- 0 is the empty name.

CREATE TABLE /*schema*/smsplus_migration (
	version    INTEGER PRIMARY KEY,
	name       TEXT NOT NULL,
	applied_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
) STRICT;

-- Templates and channels. Rows are never changed and never deleted.
CREATE TABLE /*schema*/smsplus_name (
	number INTEGER PRIMARY KEY,
	name   TEXT NOT NULL UNIQUE
) STRICT;

-- Scenarios and plans, as encoded. Rows are never changed and never deleted.
CREATE TABLE /*schema*/smsplus_route (
	number INTEGER PRIMARY KEY,
	route  BLOB NOT NULL UNIQUE
) STRICT;

CREATE TABLE /*schema*/smsplus_message (
	number       INTEGER PRIMARY KEY,
	version      INTEGER NOT NULL,
	claims       INTEGER NOT NULL,
	due_at       INTEGER,          -- NULL: never
	lane         INTEGER NOT NULL, -- a name's number
	status       INTEGER NOT NULL, -- 0 preparing, 1 accepted, 2 failed, 3 undeliverable, 4 delivered
	tab          INTEGER NOT NULL, -- 1 sending, 2 sent, 3 undeliverable, 4 failed
	channel      INTEGER NOT NULL, -- a name's number
	triggered_at INTEGER NOT NULL,
	template     INTEGER NOT NULL, -- a name's number
	route        INTEGER NOT NULL, -- a route's number
	id           BLOB NOT NULL,
	key          TEXT,             -- NULL: none
	phone        TEXT,             -- in E.164, or a keyed hash; NULL: none, or erased
	country      TEXT,             -- the phone number's country code; NULL: none
	marks        BLOB NOT NULL,    -- what counters and indexes hold of the attempts
	state        BLOB NOT NULL,    -- what updates replace, as encoded
	fixed        BLOB NOT NULL     -- what the trigger fixed, as encoded
) STRICT;

CREATE UNIQUE INDEX /*schema*/smsplus_message_id ON smsplus_message (id);
CREATE UNIQUE INDEX /*schema*/smsplus_message_key ON smsplus_message (key) WHERE key IS NOT NULL;
CREATE INDEX /*schema*/smsplus_message_due ON smsplus_message (lane, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX /*schema*/smsplus_message_time ON smsplus_message (triggered_at);
CREATE INDEX /*schema*/smsplus_message_template ON smsplus_message (template, triggered_at);
CREATE INDEX /*schema*/smsplus_message_tab ON smsplus_message (tab, triggered_at);
CREATE INDEX /*schema*/smsplus_message_phone ON smsplus_message (phone, triggered_at) WHERE phone IS NOT NULL;
CREATE INDEX /*schema*/smsplus_message_country ON smsplus_message (country, triggered_at) WHERE country IS NOT NULL;

-- The channels that a message was tried on.
CREATE TABLE /*schema*/smsplus_tried (
	channel      INTEGER NOT NULL, -- a name's number
	triggered_at INTEGER NOT NULL,
	message      INTEGER NOT NULL, -- a message's number
	PRIMARY KEY (channel, triggered_at, message)
) STRICT, WITHOUT ROWID;

-- What providers call a message: 64 bits of a hash of channel and provider ID.
CREATE TABLE /*schema*/smsplus_ref (
	ref     INTEGER NOT NULL,
	message INTEGER NOT NULL, -- a message's number
	PRIMARY KEY (ref, message)
) STRICT, WITHOUT ROWID;

-- Receipts that no message is known for yet.
CREATE TABLE /*schema*/smsplus_parked (
	ref     INTEGER NOT NULL, -- as in smsplus_ref
	key     INTEGER NOT NULL, -- 64 bits of a hash of the receipt
	at      INTEGER NOT NULL,
	receipt BLOB NOT NULL,    -- as encoded
	PRIMARY KEY (ref, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX /*schema*/smsplus_parked_at ON smsplus_parked (at);

-- How many messages, or attempts on a channel, there are of each kind.
CREATE TABLE /*schema*/smsplus_tally (
	channel INTEGER NOT NULL, -- a name's number; 0: the messages
	hours   INTEGER NOT NULL, -- how long the time is: 1 or 24
	start   INTEGER NOT NULL, -- in hours since 1970
	part    INTEGER NOT NULL, -- of the templates: their numbers / 32
	counts  BLOB NOT NULL,    -- as encoded
	PRIMARY KEY (channel, hours, start, part)
) STRICT, WITHOUT ROWID;

-- For people with a SQL prompt: the program does not use it.
CREATE VIEW /*schema*/smsplus_record AS
SELECT
	lower(substr(hex(m.id), 1, 8) || '-' || substr(hex(m.id), 9, 4) || '-' || substr(hex(m.id), 13, 4) || '-' ||
		substr(hex(m.id), 17, 4) || '-' || substr(hex(m.id), 21)) AS id,
	m.key,
	coalesce(t.name, '') AS template,
	coalesce(c.name, '') AS channel,
	CASE m.status WHEN 0 THEN 'preparing' WHEN 1 THEN 'accepted' WHEN 2 THEN 'failed'
		WHEN 3 THEN 'undeliverable' WHEN 4 THEN 'delivered' END AS status,
	m.country,
	strftime('%Y-%m-%dT%H:%M:%fZ', m.triggered_at / 1e6, 'unixepoch') AS triggered_at,
	strftime('%Y-%m-%dT%H:%M:%fZ', m.due_at / 1e6, 'unixepoch') AS due_at,
	m.claims,
	m.version
FROM smsplus_message m
LEFT JOIN smsplus_name t ON t.number = m.template
LEFT JOIN smsplus_name c ON c.number = m.channel;
