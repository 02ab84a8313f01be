-- The channels and templates that nothing is sent on until their pause is cleared.
CREATE TABLE /*schema*/smsplus_pause (
	channel  TEXT NOT NULL,    -- '': it is a template's pause
	template TEXT NOT NULL,    -- '': it is a channel's pause
	since    INTEGER NOT NULL,
	note     TEXT NOT NULL,
	PRIMARY KEY (channel, template)
) STRICT, WITHOUT ROWID;

-- The dispatchers that run.
CREATE TABLE /*schema*/smsplus_heartbeat (
	id         BLOB PRIMARY KEY NOT NULL,
	name       TEXT NOT NULL,
	started_at INTEGER NOT NULL,
	at         INTEGER NOT NULL,
	until      INTEGER NOT NULL,
	channels   TEXT NOT NULL, -- a JSON array
	templates  TEXT NOT NULL  -- a JSON array
) STRICT, WITHOUT ROWID;

-- Messages that could not be read. A row whose version is no longer the message's says
-- nothing any more.
CREATE TABLE /*schema*/smsplus_set_aside (
	message INTEGER PRIMARY KEY, -- a message's number
	version INTEGER NOT NULL
) STRICT;
