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
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids, reference) VALUES ('2026-11-24 11:52:00+00', '01936000-0000-7000-8000-000000000008', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', NULL, E'\\x8101000000019267a1ef9fac6264a71989a48ea1fd59869dc366769710acb73dcea9eec15b2f80572866bb0930ac881176a799b334b19253608ee56ca6383d6cd8bfae1385a1c2d31e3b98e6cfb360a09ed0', '{cfaa4483-8723-3aff-bac4-b13c66048b99}', NULL);
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids, reference) VALUES ('2026-11-24 11:53:00+00', '01936000-0000-7000-8000-000000000007', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', 'order 18', E'\\x8101000000012e4d4546938d4b4cc28f364aa8ae9973cff110e7f181d9f117c87678fae80609676c0bf7cb008f28c245c9bed49720b886d3ee543e114e5bea445b8a248b73eed689d8984162277a3486aa6f', '{cfaa4483-8723-3aff-bac4-b13c66048b99}', NULL);
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids, reference) VALUES ('2026-11-24 11:54:00+00', '01936000-0000-7000-8000-000000000006', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', NULL, E'\\x81010000000161722137d78604880035f12a6efb6f4e454de670b7e22b612bfb2a983682fb124d34d2728bc1d9b4662e9105371a852f00d2271ef654f8984cefa86b13913acae458d52ee1804f669b5f525a', '{cfaa4483-8723-3aff-bac4-b13c66048b99}', NULL);
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids, reference) VALUES ('2026-11-24 11:55:00+00', '01936000-0000-7000-8000-000000000005', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', NULL, E'\\x810100000001cb553d3529ef35d9e0d8cc09c172a122cad0dd28aa72d29f0af0a5dc708aed89b3db84d78e0718935e94e1459b5deba7df33c669cc0bba5b87f267c675c89474629fec3088064d94440bb717', '{cfaa4483-8723-3aff-bac4-b13c66048b99}', NULL);
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids, reference) VALUES ('2026-11-24 11:56:00+00', '01936000-0000-7000-8000-000000000004', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', NULL, E'\\x8101000000013f4f888f82fc7e6f8fa0c10e7992bc929dae8bd9206440db431e8976678583b1d60c79a43c829e2cf025176b6d3242fae59b14060177adb290309d576172d6927ff6ceff7e74e6c1b6b0ab44', '{cfaa4483-8723-3aff-bac4-b13c66048b99}', NULL);
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids, reference) VALUES ('2026-11-24 11:57:00+00', '01936000-0000-7000-8000-000000000003', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', NULL, E'\\x81010000000190501ae63cd347c84d52bb0a2ca2c3457d0973b22060df9db065a70a13c910b23df9b940e92c209394cef3f0a0c4141df00446fb74841d6c276ca24a20a018873587ad42aa051475c509f75c', '{cfaa4483-8723-3aff-bac4-b13c66048b99}', NULL);
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids, reference) VALUES ('2026-11-24 11:58:00+00', '01936000-0000-7000-8000-000000000002', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', 'order 17', E'\\x8101000000019dd3bac9d8f6a659cd0fa439f94401791c10c05ecf427ed95ccd6cfb14c566776089a1925a45a6fc8621c9e6d34cf6a41d72606e185e807bffc59a5f0f77b33b62f229e669fd5486138dba79', '{cfaa4483-8723-3aff-bac4-b13c66048b99}', NULL);
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids, reference) VALUES ('2026-11-24 11:59:00+00', '01936000-0000-7000-8000-000000000001', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', NULL, E'\\x81010000000108614b68094329caded7e2298759d8212c17811350ad16c1fbbcdd40b46f51d99897941264d9a290fffb942bca646a8bb11f063258298f0790a9d53de372828e2552d207781f6bde775ffd96', '{cfaa4483-8723-3aff-bac4-b13c66048b99}', NULL);
INSERT INTO /*schema*/"smsplus_parked" (ref, key, at, body) VALUES ('6114143078881165755', '6663797538911080150', '2026-11-24 12:00:00+00', E'\\x8101000000016afb1634e0bc42d2eec131d51d477d82ad494a1c4f5811e3808722aac751e33949485472448fb4eacf91e462d15f1f1ebc8c5653e4de89c9a0a31d51639b959c5bc8245ce1a342fff3349ef085740c9c2362');
INSERT INTO /*schema*/"smsplus_route" (id, body) VALUES ('2205192784551637012', E'\\x010d6f72646572207368697070656402038080c58bc6d101000005000000');
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder, reasons) VALUES ('01936000-0000-7000-8000-000000000001', '2026-11-24 11:59:00+00', '2026-11-24 11:59:00+00', '1', '0', '0', '1', 'line_notify', 'line_notify', 'order', '0', E'\\x810100000001532f0c5ae6a6ed36c49df86096633e37f82c317b764f7a08bafa15074b3421bd78b09f54', '-1', '0', NULL);
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder, reasons) VALUES ('01936000-0000-7000-8000-000000000002', '2026-11-24 11:58:00+00', '2026-11-24 12:00:30+00', '1', '1', '0', '1', 'line_notify', 'line_notify', 'order', '0', E'\\x8101000000017c45b6f9da694886a741a8457b9281ea84cdd32309c586cf253fb9478bfc9fcd0f0998d8', '-1', '0', NULL);
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder, reasons) VALUES ('01936000-0000-7000-8000-000000000003', '2026-11-24 11:57:00+00', '2026-11-24 12:57:00+00', '3', '0', '1', '1', 'line_notify', 'sms', 'order', '1 line_notify:1', E'\\x8101000000019462efe215f31e99fd1df2a332699ab412ae21cb8ea2f1fac650c35617e4a28d5cdafc4fcff6dd9b27ccb2c1f11d45765bfc18e75ec7fe27abf1d2bfd247626eee5ce1f0ab25b34198a409767d4160ce15a0983708f6d66591e7d6', '-1', '0', NULL);
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder, reasons) VALUES ('01936000-0000-7000-8000-000000000004', '2026-11-24 11:56:00+00', '2026-11-24 12:56:00+00', '3', '0', '1', '1', 'line_notify', 'sms', 'order', '1 line_notify:1', E'\\x81010000000125f16980332267effab29dc74eb54127ac65e94449ba5932d0fa1e5dc34ee0341f66368225b70bc22ac187fac1f79c53a5a71bc1e3011591c8f3b7d90cc0b418592b1a83bfe886a5d73161f507e56c3b86d29ef7954898d7a40946', '-1', '0', NULL);
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder, reasons) VALUES ('01936000-0000-7000-8000-000000000005', '2026-11-24 11:55:00+00', '2026-11-24 12:55:00+00', '3', '0', '1', '1', 'line_notify', 'sms', 'order', '1 line_notify:1', E'\\x81010000000165c420372d7491f5a06b1edd97944d93bd8205ccdb735460ad9c3f1d338dc6aabb6f43c3bfb1b1f10975a106bd752aa87423508f6d2aea712d59862fb0c78af53139ff8970437cef070be75ec55c89a261217b349d3a8df1a7463e', '-1', '0', NULL);
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder, reasons) VALUES ('01936000-0000-7000-8000-000000000006', '2026-11-24 11:54:00+00', NULL, '3', '0', '4', '2', 'line_notify', '', 'order', '4r line_notify:4r', E'\\x810100000001273b5d9d557da137186f01be5cdafca4ccd311e83aa9facb1d8b36e8a7bfd9cf90bc28bd59187defc8af271302ba792e071ce9c33b80dedebce4879ebcea1acef6c4bdfd711b5ad90f26', '-1', '0', NULL);
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder, reasons) VALUES ('01936000-0000-7000-8000-000000000007', '2026-11-24 11:53:00+00', NULL, '3', '0', '3', '3', 'sms', '', 'order', '3 line_notify:3 sms:3', E'\\x81010000000107355ee21e87122d98fcb9f557a5a249c9a6a5e28fe3902c1dafea9fafa993f4cb5f3b67a9c714b6eb2dffceb4a0084d9b4ab3f29641044f7ed4fd15a65e8bfa493941e35bfc92b7155404e44e52df8995121a7dc3adf27fcd5f9deda1', '-1', '0', ' line_notify:no_match sms:carrier_error ');
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder, reasons) VALUES ('01936000-0000-7000-8000-000000000008', '2026-11-24 11:52:00+00', NULL, '3', '0', '2', '4', 'line_notify', '', 'order', '2 line_notify:2', E'\\x81010000000158e405fd071c4fbb9cb22adb6bc97efdba1f40b7a0ec7628521cc5564ec68b1ff2b981019bd0d8808ada6a1c44b3da415cfee7129666cb8a76ed4dd8cfaeb76bcd5f2079ce7c86d4b6598e30111b85f4daf2e5aa6a36', '-1', '0', ' line_notify:template_config ');
