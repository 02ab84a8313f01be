-- smsplus, version 1: messages
BEGIN;

CREATE TABLE /*schema*/smsplus_migration (
	version    integer     NOT NULL PRIMARY KEY,
	name       text        NOT NULL,
	applied_at timestamptz NOT NULL DEFAULT now()
);

-- What a trigger fixed. Only Erase updates it, so its indexes are written once.
CREATE TABLE /*schema*/smsplus_message (
	triggered_at timestamptz      NOT NULL,
	id           uuid             NOT NULL,
	route        bigint           NOT NULL,
	template     text COLLATE "C" NOT NULL,
	country      text COLLATE "C",
	phone        text COLLATE "C",
	key          text COLLATE "C",
	fixed        bytea            NOT NULL,
	PRIMARY KEY (triggered_at, id)
);
CREATE INDEX smsplus_message_template ON /*schema*/smsplus_message (template, triggered_at, id);
CREATE INDEX smsplus_message_country ON /*schema*/smsplus_message (country, triggered_at, id);
CREATE INDEX smsplus_message_phone ON /*schema*/smsplus_message (phone, triggered_at);
CREATE UNIQUE INDEX smsplus_message_key ON /*schema*/smsplus_message (key) WHERE key IS NOT NULL;

-- What becomes of a message: its row here is replaced by every claim and update.
CREATE TABLE /*schema*/smsplus_state (
	id           uuid             NOT NULL PRIMARY KEY,
	triggered_at timestamptz      NOT NULL,
	due_at       timestamptz,
	version      bigint           NOT NULL,
	claims       integer          NOT NULL,
	status       smallint         NOT NULL,
	tab          smallint         NOT NULL,
	channel      text COLLATE "C" NOT NULL,
	lane         text COLLATE "C" NOT NULL,
	template     text COLLATE "C" NOT NULL,
	tally        text COLLATE "C" NOT NULL,
	body         bytea            NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
CREATE INDEX smsplus_state_due ON /*schema*/smsplus_state (lane, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX smsplus_state_tab ON /*schema*/smsplus_state (tab, triggered_at, id);

-- The attempts by channel, and by a number made of the provider's ID.
CREATE TABLE /*schema*/smsplus_attempt (
	triggered_at timestamptz      NOT NULL,
	name         bigint,
	id           uuid             NOT NULL,
	channel      text COLLATE "C" NOT NULL,
	PRIMARY KEY (channel, triggered_at, id)
);
CREATE INDEX smsplus_attempt_name ON /*schema*/smsplus_attempt (name) WHERE name IS NOT NULL;

-- Scenarios and plans, each once.
CREATE TABLE /*schema*/smsplus_route (
	id   bigint NOT NULL PRIMARY KEY,
	body bytea  NOT NULL
);

-- Receipts whose messages are not known yet.
CREATE TABLE /*schema*/smsplus_parked (
	ref  bigint      NOT NULL,
	key  bigint      NOT NULL,
	at   timestamptz NOT NULL,
	body bytea       NOT NULL,
	PRIMARY KEY (ref, key)
);
CREATE INDEX smsplus_parked_at ON /*schema*/smsplus_parked (at);

-- The statistics: total counts by hours, days and eight days since 1970 (span 1, 24 and
-- 192, start in spans), and delta is what is still to be added to it.
CREATE TABLE /*schema*/smsplus_delta (
	id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	hour     integer          NOT NULL,
	template text COLLATE "C" NOT NULL,
	tally    text COLLATE "C" NOT NULL,
	n        integer          NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
CREATE TABLE /*schema*/smsplus_total (
	channel       text COLLATE "C" NOT NULL,
	span          smallint         NOT NULL,
	start         integer          NOT NULL,
	tab           smallint         NOT NULL,
	template      text COLLATE "C" NOT NULL,
	preparing     integer          NOT NULL,
	accepted      integer          NOT NULL,
	failed        integer          NOT NULL,
	undeliverable integer          NOT NULL,
	delivered     integer          NOT NULL,
	"read"        integer          NOT NULL,
	twice         integer          NOT NULL,
	PRIMARY KEY (channel, span, start, tab, template)
);

-- Who does what only one should do at a time.
CREATE TABLE /*schema*/smsplus_lease (
	task   text        NOT NULL PRIMARY KEY,
	holder uuid        NOT NULL,
	until  timestamptz NOT NULL
);

INSERT INTO /*schema*/smsplus_migration (version, name) VALUES (1, 'messages');

COMMIT;

-- smsplus, version 2: rows
BEGIN;

-- What a batch brings: one parameter is an array of these. An array for each column
-- takes the server longer, to take in and to put together.
CREATE TYPE /*schema*/smsplus_new_message AS (
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
	status       smallint,
	tab          smallint,
	channel      text,
	lane         text,
	tally        text,
	body         bytea
);
CREATE TYPE /*schema*/smsplus_new_state AS (
	id           uuid,
	triggered_at timestamptz,
	version      bigint,
	due_at       timestamptz,
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
CREATE TYPE /*schema*/smsplus_new_attempt AS (
	id           uuid,
	triggered_at timestamptz,
	channel      text,
	name         bigint
);
CREATE TYPE /*schema*/smsplus_new_delta AS (
	hour     integer,
	template text,
	tally    text,
	n        integer
);
CREATE TYPE /*schema*/smsplus_new_route AS (
	id   bigint,
	body bytea
);

INSERT INTO /*schema*/smsplus_migration (version, name) VALUES (2, 'rows');

COMMIT;

-- smsplus, version 3: holders
BEGIN;

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

INSERT INTO /*schema*/smsplus_migration (version, name) VALUES (3, 'holders');

COMMIT;

-- smsplus, version 4: recipients
BEGIN;

-- What channels call a person, apart from the number: 16 bytes of a hash of each ID. NULL:
-- none, erased, or from before this schema.
ALTER TABLE /*schema*/smsplus_message ADD COLUMN recipient_ids uuid[];
-- Without fastupdate every search is one look-up, and no insert pays for others.
CREATE INDEX smsplus_message_recipient ON /*schema*/smsplus_message USING gin (recipient_ids) WITH (fastupdate = off)
	WHERE recipient_ids IS NOT NULL;

-- The columns of a message to insert, again with the new one: see migration 3.
CREATE TYPE /*schema*/smsplus_new_message_4 AS (
	id            uuid,
	triggered_at  timestamptz,
	template      text,
	route         bigint,
	country       text,
	phone         text,
	recipient_ids uuid[],
	key           text,
	fixed         bytea,
	due_at        timestamptz,
	version       bigint,
	claims        integer,
	sending       smallint,
	holder        bigint,
	status        smallint,
	tab           smallint,
	channel       text,
	lane          text,
	tally         text,
	body          bytea
);

INSERT INTO /*schema*/smsplus_migration (version, name) VALUES (4, 'recipients');

COMMIT;

-- smsplus, version 5: operations
BEGIN;

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

INSERT INTO /*schema*/smsplus_migration (version, name) VALUES (5, 'operations');

COMMIT;

-- smsplus, version 6: found
BEGIN;

-- What the application calls what a message belongs to: 16 bytes of a hash of it. NULL: none,
-- or from before this schema.
ALTER TABLE /*schema*/smsplus_message ADD COLUMN reference uuid;
CREATE INDEX smsplus_message_reference ON /*schema*/smsplus_message (reference, triggered_at, id) WHERE reference IS NOT NULL;

-- Why attempts did not arrive, a word for each attempt. NULL: none failed for a reason, or the
-- message has not changed since before this schema. A release from before leaves what was there.
ALTER TABLE /*schema*/smsplus_state ADD COLUMN reasons text COLLATE "C";
CREATE INDEX smsplus_state_reason ON /*schema*/smsplus_state (triggered_at, id) WHERE reasons IS NOT NULL;

-- The columns of a batch, again with the new ones: see migration 3.
CREATE TYPE /*schema*/smsplus_new_message_6 AS (
	id            uuid,
	triggered_at  timestamptz,
	template      text,
	route         bigint,
	country       text,
	phone         text,
	recipient_ids uuid[],
	reference     uuid,
	key           text,
	fixed         bytea,
	due_at        timestamptz,
	version       bigint,
	claims        integer,
	sending       smallint,
	holder        bigint,
	status        smallint,
	tab           smallint,
	channel       text,
	lane          text,
	tally         text,
	reasons       text,
	body          bytea
);
CREATE TYPE /*schema*/smsplus_new_state_6 AS (
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
	reasons      text,
	body         bytea,
	last         text,
	name         bigint,
	names        text
);

INSERT INTO /*schema*/smsplus_migration (version, name) VALUES (6, 'found');

COMMIT;

-- smsplus, version 7: sheets
BEGIN;

-- The counts of grouped statistics, by hours and days since 1970 (hours 1 and 24, start in
-- these). They are a cache: a query stores them. A row without counts stands for a period that
-- has changed since. The mark is another one after each change that was folded. Rows stay, because a
-- query that began before the change must find the new mark.
CREATE TABLE /*schema*/smsplus_sheet (
	hours       smallint NOT NULL,
	start       integer  NOT NULL,
	mark        uuid     NOT NULL DEFAULT gen_random_uuid(),
	totals      bytea,
	counts      bytea,
	total_times bytea,
	times       bytea,
	count_sums  bytea,
	time_sums   bytea,
	PRIMARY KEY (hours, start)
);

-- Whatever takes deltas or totals away marks the hours and days that they counted: a fold and a
-- month that is dropped, also by a release from before.
CREATE FUNCTION /*schema*/smsplus_mark_delta_sheets() RETURNS trigger LANGUAGE plpgsql AS $mark$
BEGIN
	INSERT INTO /*schema*/smsplus_sheet (hours, start)
	SELECT DISTINCT p.hours, p.start
	FROM gone g CROSS JOIN LATERAL (VALUES (1, g.hour), (24, floor(g.hour / 24.0)::integer)) AS p (hours, start)
	ORDER BY 1, 2
	ON CONFLICT (hours, start) DO UPDATE
	SET mark = excluded.mark, totals = NULL, counts = NULL, total_times = NULL, times = NULL, count_sums = NULL, time_sums = NULL;
	RETURN NULL;
END
$mark$;
CREATE TRIGGER smsplus_delta_sheets AFTER DELETE ON /*schema*/smsplus_delta REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION /*schema*/smsplus_mark_delta_sheets();

CREATE FUNCTION /*schema*/smsplus_mark_total_sheets() RETURNS trigger LANGUAGE plpgsql AS $mark$
BEGIN
	INSERT INTO /*schema*/smsplus_sheet (hours, start)
	SELECT DISTINCT span, start FROM gone WHERE channel = '' AND span IN (1, 24)
	ORDER BY 1, 2
	ON CONFLICT (hours, start) DO UPDATE
	SET mark = excluded.mark, totals = NULL, counts = NULL, total_times = NULL, times = NULL, count_sums = NULL, time_sums = NULL;
	RETURN NULL;
END
$mark$;
CREATE TRIGGER smsplus_total_sheets AFTER DELETE ON /*schema*/smsplus_total REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION /*schema*/smsplus_mark_total_sheets();

-- An update that changes a reason or a time may leave the tally as it is, and then no delta. This
-- leaves one of nothing, for every release. Only what is Delivered (4) has a time that counts.
-- A message that is Failed or Undeliverable (2, 3) has the reason of its last attempt.
CREATE FUNCTION /*schema*/smsplus_note_recount() RETURNS trigger LANGUAGE plpgsql AS $note$
BEGIN
	INSERT INTO /*schema*/smsplus_delta (hour, template, tally, n)
	VALUES (floor(date_part('epoch', NEW.triggered_at) / 3600)::integer, NEW.template, NEW.tally, 0);
	RETURN NULL;
END
$note$;
CREATE TRIGGER smsplus_state_recount AFTER UPDATE OF body ON /*schema*/smsplus_state FOR EACH ROW
WHEN (NEW.tally = OLD.tally AND NEW.body <> OLD.body
	AND (NEW.reasons IS DISTINCT FROM OLD.reasons OR NEW.status IN (2, 3) OR strpos(NEW.tally, '4') > 0))
EXECUTE FUNCTION /*schema*/smsplus_note_recount();

INSERT INTO /*schema*/smsplus_migration (version, name) VALUES (7, 'sheets');

COMMIT;
INSERT INTO /*schema*/"smsplus_attempt" (triggered_at, name, id, channel) VALUES ('2026-11-24 11:52:00+00', NULL, '01936000-0000-7000-8000-000000000008', 'line_notify');
INSERT INTO /*schema*/"smsplus_attempt" (triggered_at, name, id, channel) VALUES ('2026-11-24 11:53:00+00', '7207213051468152850', '01936000-0000-7000-8000-000000000007', 'sms');
INSERT INTO /*schema*/"smsplus_attempt" (triggered_at, name, id, channel) VALUES ('2026-11-24 11:53:00+00', NULL, '01936000-0000-7000-8000-000000000007', 'line_notify');
INSERT INTO /*schema*/"smsplus_attempt" (triggered_at, name, id, channel) VALUES ('2026-11-24 11:54:00+00', '8070947992019609086', '01936000-0000-7000-8000-000000000006', 'line_notify');
INSERT INTO /*schema*/"smsplus_attempt" (triggered_at, name, id, channel) VALUES ('2026-11-24 11:55:00+00', '6114143078881165755', '01936000-0000-7000-8000-000000000005', 'line_notify');
INSERT INTO /*schema*/"smsplus_attempt" (triggered_at, name, id, channel) VALUES ('2026-11-24 11:56:00+00', '-7518539144563178403', '01936000-0000-7000-8000-000000000004', 'line_notify');
INSERT INTO /*schema*/"smsplus_attempt" (triggered_at, name, id, channel) VALUES ('2026-11-24 11:57:00+00', '-3075276663514917705', '01936000-0000-7000-8000-000000000003', 'line_notify');
INSERT INTO /*schema*/"smsplus_delta" (hour, template, tally, n) VALUES ('498755', 'order', '0', '2');
INSERT INTO /*schema*/"smsplus_delta" (hour, template, tally, n) VALUES ('498755', 'order', '1 line_notify:1', '3');
INSERT INTO /*schema*/"smsplus_delta" (hour, template, tally, n) VALUES ('498755', 'order', '2 line_notify:2', '1');
INSERT INTO /*schema*/"smsplus_delta" (hour, template, tally, n) VALUES ('498755', 'order', '3 line_notify:3 sms:3', '1');
INSERT INTO /*schema*/"smsplus_delta" (hour, template, tally, n) VALUES ('498755', 'order', '4r line_notify:4r', '1');
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids, reference) VALUES ('2026-11-24 11:52:00+00', '01936000-0000-7000-8000-000000000008', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', NULL, E'\\x81010000000128f617510398222d2ceab32609b8218e2fcc8896d67b4ddf296e9e3eaf8d8328b09b96491481da3533e9e1911b72250cc73b317286972c0e87718cde308b35c3afd80a7cb505cbaf1caa2cac', '{cfaa4483-8723-3aff-bac4-b13c66048b99}', NULL);
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids, reference) VALUES ('2026-11-24 11:53:00+00', '01936000-0000-7000-8000-000000000007', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', 'order 18', E'\\x81010000000111fed5621b3e2e978696a9b102136bf6d2bbb31907ebc23db16e0550fd97bced4c78652d5e3f9d14df7694ca7b44a959ffabfdc44c3d1e5510d776c28066e99b07f6475025767beb3791d7d2', '{cfaa4483-8723-3aff-bac4-b13c66048b99}', NULL);
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids, reference) VALUES ('2026-11-24 11:54:00+00', '01936000-0000-7000-8000-000000000006', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', NULL, E'\\x8101000000019fdaad44c0a426137ad043f98b059f59d849ed0fb657d3b1db2b948ff6c9b2ed1bfb11c4a84bf77ec35c68703566c228bbb147ad51d433cb39a17e400417e1d44e93cce734178c8023eadfbf', '{cfaa4483-8723-3aff-bac4-b13c66048b99}', NULL);
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids, reference) VALUES ('2026-11-24 11:55:00+00', '01936000-0000-7000-8000-000000000005', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', NULL, E'\\x81010000000138e01e18ba0e73ed274441db604754b3ad0d0bb897276d3708a29419a2249a189d43de498626eeebca4012044a41ba378c9241302a52acaf2291c599e7d2f336ca00140f577fdce150fd6f59', '{cfaa4483-8723-3aff-bac4-b13c66048b99}', NULL);
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids, reference) VALUES ('2026-11-24 11:56:00+00', '01936000-0000-7000-8000-000000000004', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', NULL, E'\\x810100000001dedb762fff43cda954a18b933857cf37443e82884f0ba11984bf3d0d423cf2c82f8c43fb708f22f31455a2e21735086c39ee52bb6ddf22ed8f45ca44a916672cac911e98c25d210cb2af1635', '{cfaa4483-8723-3aff-bac4-b13c66048b99}', NULL);
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids, reference) VALUES ('2026-11-24 11:57:00+00', '01936000-0000-7000-8000-000000000003', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', NULL, E'\\x810100000001bb4898273ed63af13b8b9dfe8731700ab1f21aeae40b2fd8e3d3e33ef3e9e7a37b6bdb5295d70af57768901c6e432bfc5b45c5551b21e13246e17667f747c73f0c3fec9d45adae518a2150f4', '{cfaa4483-8723-3aff-bac4-b13c66048b99}', NULL);
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids, reference) VALUES ('2026-11-24 11:58:00+00', '01936000-0000-7000-8000-000000000002', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', 'order 17', E'\\x810100000001035d5ff4b7333dd928b08c7010a3bebbfcc2a3eb2a8e923b3f62cfe3cede437c092a2d55758a45b040300000d066f5d092d337f7b8b7d1f8e352993c993de12fbfab3c23259b266ed769cea2', '{cfaa4483-8723-3aff-bac4-b13c66048b99}', NULL);
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids, reference) VALUES ('2026-11-24 11:59:00+00', '01936000-0000-7000-8000-000000000001', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', NULL, E'\\x81010000000117e25c62f32158c45f640a673b9525c0d261b7824392eb269e0f160c7d627a29e0c0b6dfe93a392f7377e9e6478b5689ec1c9dea36acb1c729fff5cc5aad1bb7183d8d3545686de28041b6b6', '{cfaa4483-8723-3aff-bac4-b13c66048b99}', NULL);
INSERT INTO /*schema*/"smsplus_parked" (ref, key, at, body) VALUES ('6114143078881165755', '6663797538911080150', '2026-11-24 12:00:00+00', E'\\x810100000001df86616990253de7da4f51f81362e455762faa5340c6a34b72020d1fb985a1e352ffa8342fbe732736fbbca1e80822c9066bc41c925cc6508344830e610fb36fde07118a0c16cdf67207a1b9c2bd2676aae7');
INSERT INTO /*schema*/"smsplus_route" (id, body) VALUES ('2205192784551637012', E'\\x010d6f72646572207368697070656402038080c58bc6d101000005000000');
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder, reasons) VALUES ('01936000-0000-7000-8000-000000000001', '2026-11-24 11:59:00+00', '2026-11-24 11:59:00+00', '1', '0', '0', '1', 'line_notify', 'line_notify', 'order', '0', E'\\x810100000001971c893994d30de234058813fc1a5d2ae3763b71fe80936fbd77bcf215bdf701a85de126', '-1', '0', NULL);
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder, reasons) VALUES ('01936000-0000-7000-8000-000000000002', '2026-11-24 11:58:00+00', '2026-11-24 12:00:30+00', '1', '1', '0', '1', 'line_notify', 'line_notify', 'order', '0', E'\\x8101000000018e9dbc6618981103860ff165b6d7b61163d6f89890c70af9818e4b4687decfd1499db189', '-1', '0', NULL);
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder, reasons) VALUES ('01936000-0000-7000-8000-000000000003', '2026-11-24 11:57:00+00', '2026-11-24 12:57:00+00', '3', '0', '1', '1', 'line_notify', 'sms', 'order', '1 line_notify:1', E'\\x810100000001dd6e711de15dbf6032ae3ae16644bfcfbe202c2e24bcf4fc55cbb8693209b661c9d29d5e3ce4822ed844484649ed0a4c547ab24568d2292d178e8841da5251d290e6b4d7d2df9b6d9572e1e80ad7871ce0364b4167af44470bc6c0', '-1', '0', NULL);
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder, reasons) VALUES ('01936000-0000-7000-8000-000000000004', '2026-11-24 11:56:00+00', '2026-11-24 12:56:00+00', '3', '0', '1', '1', 'line_notify', 'sms', 'order', '1 line_notify:1', E'\\x810100000001ea287f2117553b3048cc709637f7cb97d621a8bb074e9d355a0fdd1b3bf5415b171d0c89f23693030b986715fedebadab8dbefd3ca3ffc0710058a7ba81e65ec58cd5cbefd21f86e58d0bb1bdf742422b8262a7764cd692b66b9c7', '-1', '0', NULL);
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder, reasons) VALUES ('01936000-0000-7000-8000-000000000005', '2026-11-24 11:55:00+00', '2026-11-24 12:55:00+00', '3', '0', '1', '1', 'line_notify', 'sms', 'order', '1 line_notify:1', E'\\x810100000001b5c10a94e97255eb81f103907e7ac77dd896191f23af9b1469d91e42fcc624fc57fdd3a519b0777488d2c93451210994775f523efff8114fe242b03afc7ede9f4ed19ccdda01b0a26487536d6c37650b1a0627bd2ef7c34df13a6f', '-1', '0', NULL);
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder, reasons) VALUES ('01936000-0000-7000-8000-000000000006', '2026-11-24 11:54:00+00', NULL, '3', '0', '4', '2', 'line_notify', '', 'order', '4r line_notify:4r', E'\\x81010000000134121355f6d368e4d1bae279f7871523f6b8d40cd92e7647f5e7693369daa1f2d4642758eb3994874082679c588ac3a5ca38b4906ca654bdf793696115a94dd40a685874866262d9eb5c', '-1', '0', NULL);
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder, reasons) VALUES ('01936000-0000-7000-8000-000000000007', '2026-11-24 11:53:00+00', NULL, '3', '0', '3', '3', 'sms', '', 'order', '3 line_notify:3 sms:3', E'\\x8101000000013d07e7234944fab81ab0a85564b9525dc3d908275217e6b984e4304243c9bb8b52f905f5d56e6a9410f9b9950978282cbc0166c5229727e94e232683b5718adda12bda1d0fbdad1e31a3fb38ec9344339f36498c2de10dc4cddf481137', '-1', '0', ' line_notify:no_match sms:carrier_error ');
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder, reasons) VALUES ('01936000-0000-7000-8000-000000000008', '2026-11-24 11:52:00+00', NULL, '3', '0', '2', '4', 'line_notify', '', 'order', '2 line_notify:2', E'\\x8101000000018dfe048d1fe9b899f2fa1f080e1d4c8a7ee2a928918d431098227915544407834f8d11bdd5ced58c91d64d8c09264839840afca885ef8e950435b127aed03213c099ba5ddc4b81dab459a3d192acbf2a08e1d2d9496c', '-1', '0', ' line_notify:template_config ');
