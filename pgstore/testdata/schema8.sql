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

-- smsplus, version 8: shares
BEGIN;

-- A heartbeat has the parts of shared rate limits that its dispatcher has.
ALTER TABLE /*schema*/smsplus_heartbeat ADD COLUMN shares jsonb NOT NULL DEFAULT '{}';

INSERT INTO /*schema*/smsplus_migration (version, name) VALUES (8, 'shares');

COMMIT;
INSERT INTO /*schema*/"smsplus_attempt" (triggered_at, name, id, channel) VALUES ('2026-11-24 11:52:00+00', NULL, '01936000-0000-7000-8000-000000000008', 'line_notify');
INSERT INTO /*schema*/"smsplus_attempt" (triggered_at, name, id, channel) VALUES ('2026-11-24 11:53:00+00', '-241619323399970131', '01936000-0000-7000-8000-000000000007', 'sms');
INSERT INTO /*schema*/"smsplus_attempt" (triggered_at, name, id, channel) VALUES ('2026-11-24 11:53:00+00', NULL, '01936000-0000-7000-8000-000000000007', 'line_notify');
INSERT INTO /*schema*/"smsplus_attempt" (triggered_at, name, id, channel) VALUES ('2026-11-24 11:54:00+00', '-612386774626990478', '01936000-0000-7000-8000-000000000006', 'line_notify');
INSERT INTO /*schema*/"smsplus_attempt" (triggered_at, name, id, channel) VALUES ('2026-11-24 11:55:00+00', '7929426829727567192', '01936000-0000-7000-8000-000000000005', 'line_notify');
INSERT INTO /*schema*/"smsplus_attempt" (triggered_at, name, id, channel) VALUES ('2026-11-24 11:56:00+00', '3333182016551378352', '01936000-0000-7000-8000-000000000004', 'line_notify');
INSERT INTO /*schema*/"smsplus_attempt" (triggered_at, name, id, channel) VALUES ('2026-11-24 11:57:00+00', '-5428268589751776063', '01936000-0000-7000-8000-000000000003', 'line_notify');
INSERT INTO /*schema*/"smsplus_delta" (hour, template, tally, n) VALUES ('498755', 'order', '0', '2');
INSERT INTO /*schema*/"smsplus_delta" (hour, template, tally, n) VALUES ('498755', 'order', '1 line_notify:1', '3');
INSERT INTO /*schema*/"smsplus_delta" (hour, template, tally, n) VALUES ('498755', 'order', '2 line_notify:2', '1');
INSERT INTO /*schema*/"smsplus_delta" (hour, template, tally, n) VALUES ('498755', 'order', '3 line_notify:3 sms:3', '1');
INSERT INTO /*schema*/"smsplus_delta" (hour, template, tally, n) VALUES ('498755', 'order', '4r line_notify:4r', '1');
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids, reference) VALUES ('2026-11-24 11:52:00+00', '01936000-0000-7000-8000-000000000008', '2205192784551637012', 'order', '886', '+886912345678', NULL, E'\\x010b553461663439383036323901066e756d62657204e7acac38010473686f70023137', '{59345b85-e100-827d-f6aa-34fb2db65509}', NULL);
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids, reference) VALUES ('2026-11-24 11:53:00+00', '01936000-0000-7000-8000-000000000007', '2205192784551637012', 'order', '886', '+886912345678', 'order 18', E'\\x010b553461663439383036323901066e756d62657204e7acac37010473686f70023137', '{59345b85-e100-827d-f6aa-34fb2db65509}', NULL);
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids, reference) VALUES ('2026-11-24 11:54:00+00', '01936000-0000-7000-8000-000000000006', '2205192784551637012', 'order', '886', '+886912345678', NULL, E'\\x010b553461663439383036323901066e756d62657204e7acac36010473686f70023137', '{59345b85-e100-827d-f6aa-34fb2db65509}', NULL);
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids, reference) VALUES ('2026-11-24 11:55:00+00', '01936000-0000-7000-8000-000000000005', '2205192784551637012', 'order', '886', '+886912345678', NULL, E'\\x010b553461663439383036323901066e756d62657204e7acac35010473686f70023137', '{59345b85-e100-827d-f6aa-34fb2db65509}', NULL);
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids, reference) VALUES ('2026-11-24 11:56:00+00', '01936000-0000-7000-8000-000000000004', '2205192784551637012', 'order', '886', '+886912345678', NULL, E'\\x010b553461663439383036323901066e756d62657204e7acac34010473686f70023137', '{59345b85-e100-827d-f6aa-34fb2db65509}', NULL);
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids, reference) VALUES ('2026-11-24 11:57:00+00', '01936000-0000-7000-8000-000000000003', '2205192784551637012', 'order', '886', '+886912345678', NULL, E'\\x010b553461663439383036323901066e756d62657204e7acac33010473686f70023137', '{59345b85-e100-827d-f6aa-34fb2db65509}', NULL);
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids, reference) VALUES ('2026-11-24 11:58:00+00', '01936000-0000-7000-8000-000000000002', '2205192784551637012', 'order', '886', '+886912345678', 'order 17', E'\\x010b553461663439383036323901066e756d62657204e7acac32010473686f70023137', '{59345b85-e100-827d-f6aa-34fb2db65509}', NULL);
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids, reference) VALUES ('2026-11-24 11:59:00+00', '01936000-0000-7000-8000-000000000001', '2205192784551637012', 'order', '886', '+886912345678', NULL, E'\\x010b553461663439383036323901066e756d62657204e7acac31010473686f70023137', '{59345b85-e100-827d-f6aa-34fb2db65509}', NULL);
INSERT INTO /*schema*/"smsplus_parked" (ref, key, at, body) VALUES ('7929426829727567192', '2531950851873831580', '2026-11-24 12:00:00+00', E'\\x0103287461672030313933363030302d303030302d373030302d383030302d3030303030303030303030350400010080c0bcb28ec1b006');
INSERT INTO /*schema*/"smsplus_route" (id, body) VALUES ('2205192784551637012', E'\\x010d6f72646572207368697070656402038080c58bc6d101000005000000');
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder, reasons) VALUES ('01936000-0000-7000-8000-000000000001', '2026-11-24 11:59:00+00', '2026-11-24 11:59:00+00', '1', '0', '0', '1', 'line_notify', 'line_notify', 'order', '0', E'\\x0104809cd796840500', '-1', '0', NULL);
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder, reasons) VALUES ('01936000-0000-7000-8000-000000000002', '2026-11-24 11:58:00+00', '2026-11-24 12:00:30+00', '1', '1', '0', '1', 'line_notify', 'line_notify', 'order', '0', E'\\x010480b8f3cf840500', '-1', '0', NULL);
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder, reasons) VALUES ('01936000-0000-7000-8000-000000000003', '2026-11-24 11:57:00+00', '2026-11-24 12:57:00+00', '3', '0', '1', '1', 'line_notify', 'sms', 'order', '1 line_notify:1', E'\\x010480d48f8985050103ffd38f89850580897a03010002287461672030313933363030302d303030302d373030302d383030302d303030303030303030303033', '-1', '0', NULL);
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder, reasons) VALUES ('01936000-0000-7000-8000-000000000004', '2026-11-24 11:56:00+00', '2026-11-24 12:56:00+00', '3', '0', '1', '1', 'line_notify', 'sms', 'order', '1 line_notify:1', E'\\x010480f0abc285050103ffefabc2850580897a03010002287461672030313933363030302d303030302d373030302d383030302d303030303030303030303034', '-1', '0', NULL);
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder, reasons) VALUES ('01936000-0000-7000-8000-000000000005', '2026-11-24 11:55:00+00', '2026-11-24 12:55:00+00', '3', '0', '1', '1', 'line_notify', 'sms', 'order', '1 line_notify:1', E'\\x0104808cc8fb85050103ff8bc8fb850580897a03010002287461672030313933363030302d303030302d373030302d383030302d303030303030303030303035', '-1', '0', NULL);
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder, reasons) VALUES ('01936000-0000-7000-8000-000000000006', '2026-11-24 11:54:00+00', NULL, '3', '0', '4', '2', 'line_notify', '', 'order', '4r line_notify:4r', E'\\x01078092f401809c9c3980fad3f98505011fffa7e4b4860580897a80897a809c9c39ff9b9c3903040002047365656e', '-1', '0', NULL);
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder, reasons) VALUES ('01936000-0000-7000-8000-000000000007', '2026-11-24 11:53:00+00', NULL, '3', '0', '3', '3', 'sms', '', 'order', '3 line_notify:3 sms:3', E'\\x010480c480ee86050293ffc380ee860580897a80897a0303000200060093ff91f40180897a80897a050302020430304131090f554e44454c49562065727220303030', '-1', '0', ' line_notify:no_match sms:carrier_error ');
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder, reasons) VALUES ('01936000-0000-7000-8000-000000000008', '2026-11-24 11:52:00+00', NULL, '3', '0', '2', '4', 'line_notify', '', 'order', '2 line_notify:2', E'\\x010480e09ca787050193ffdf9ca7870580897a80897a03020002000d1e6e6f20737563682074656d706c6174652069732072656769737465726564', '-1', '0', ' line_notify:template_config ');
