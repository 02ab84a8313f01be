-- The channels and templates that nothing is sent on until their pause is cleared. One of
-- channel and template is empty.
CREATE TABLE /*schema*/smsplus_pause (
	channel  text COLLATE "C" NOT NULL,
	template text COLLATE "C" NOT NULL,
	since    timestamptz      NOT NULL,
	note     text             NOT NULL,
	PRIMARY KEY (channel, template)
);

-- The dispatchers that run.
CREATE TABLE /*schema*/smsplus_heartbeat (
	id         uuid        NOT NULL PRIMARY KEY,
	name       text        NOT NULL,
	started_at timestamptz NOT NULL,
	at         timestamptz NOT NULL,
	until      timestamptz NOT NULL,
	channels   text[]      NOT NULL,
	templates  text[]      NOT NULL
);

-- Messages that could not be read. A row whose version is no longer that of the state says
-- nothing any more.
CREATE TABLE /*schema*/smsplus_set_aside (
	id           uuid        NOT NULL PRIMARY KEY,
	triggered_at timestamptz NOT NULL,
	version      bigint      NOT NULL
);
