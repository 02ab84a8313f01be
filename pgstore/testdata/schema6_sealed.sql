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
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids, reference) VALUES ('2026-11-24 11:52:00+00', '01936000-0000-7000-8000-000000000008', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', NULL, E'\\x81010000000147727836009d0561212e52b1a7b4d82dab58d66b0b8127ab9aaf4ac171ecbbc6dbc42858a8f8dda6233e8a4b48e688866041d9b88be8a6030d22079aeeffab3e85a4a57a07fe26f559406dcd', '{cfaa4483-8723-3aff-bac4-b13c66048b99}', NULL);
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids, reference) VALUES ('2026-11-24 11:53:00+00', '01936000-0000-7000-8000-000000000007', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', 'order 18', E'\\x8101000000010e9f52a3c66b447f8871d0355f56b3811a3cf315dd5447ded32b5633c0406719bbca7a9e4f910300c3d6f4a31b510409731513a56bff9856225d8d66eca91954b815b76029b33fc674279db5', '{cfaa4483-8723-3aff-bac4-b13c66048b99}', NULL);
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids, reference) VALUES ('2026-11-24 11:54:00+00', '01936000-0000-7000-8000-000000000006', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', NULL, E'\\x810100000001e9557badc2da6849bba47ffe4fb093a6c2b0e6258fb1292d05ee3247636160a3178600faecba91985fb0b710d8663104384ec0ef889d2beca71f05cd5fa3964eaf2cac465e7a0bc160938629', '{cfaa4483-8723-3aff-bac4-b13c66048b99}', NULL);
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids, reference) VALUES ('2026-11-24 11:55:00+00', '01936000-0000-7000-8000-000000000005', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', NULL, E'\\x810100000001853832add9cefb6b424cc3b2d56ea22fac7b8871c993a40e82903caf31cd6ca4a8594b99aae1168beb3511a8f1749d7af099f925c400704c23fdcb077318ff1fce9ca62afa85bf7a9fe2797c', '{cfaa4483-8723-3aff-bac4-b13c66048b99}', NULL);
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids, reference) VALUES ('2026-11-24 11:56:00+00', '01936000-0000-7000-8000-000000000004', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', NULL, E'\\x81010000000108e23c4900ede95b6b27b271f61902389ff93a260047e4477d4a078b30ea84266ef8fdee52a8282fc31030c1fa3f6b9f09128b13d51654cdc0458b12b9408e16f6be905b0b5f21c75ec77253', '{cfaa4483-8723-3aff-bac4-b13c66048b99}', NULL);
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids, reference) VALUES ('2026-11-24 11:57:00+00', '01936000-0000-7000-8000-000000000003', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', NULL, E'\\x810100000001aa6cb3f2a49c63bee6c29d6a64076c6b5798c67075d2669f39e345026ab629e5a0a98b0a1263db11ba56f7b7ee4f845ce122b106d74d6e07f6a14f7affde3c607308b10707a5ad53253b2833', '{cfaa4483-8723-3aff-bac4-b13c66048b99}', NULL);
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids, reference) VALUES ('2026-11-24 11:58:00+00', '01936000-0000-7000-8000-000000000002', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', 'order 17', E'\\x810100000001af50eab01b67a936cb16c3f04cbbe2cc52164de477b77b9dd2a044b4a1d3a5986ea9407a9b6da620a1052f8f455e6b0f61c0d0482776d31c2acc361630fc44bc6d726952f44d73584c8e2a17', '{cfaa4483-8723-3aff-bac4-b13c66048b99}', NULL);
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids, reference) VALUES ('2026-11-24 11:59:00+00', '01936000-0000-7000-8000-000000000001', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', NULL, E'\\x8101000000017167adfec2edd344bad47e4642394fc72d061273f09286e6c1b425d0ebdb9b8fc9472527de5bb17a595ec138d933097038fb4327008f3539345158e2f511d679f37239d5d86606585e057f64', '{cfaa4483-8723-3aff-bac4-b13c66048b99}', NULL);
INSERT INTO /*schema*/"smsplus_parked" (ref, key, at, body) VALUES ('6114143078881165755', '6663797538911080150', '2026-11-24 12:00:00+00', E'\\x81010000000151a76ae5a990aba7ed509c88a8dcd7ad1587e14e5d47e9f6d3cd88a74b69531504161beea86dd09769b1cfd331e1a8dc550c1f626b5f22273fa9a0b87bab653fd870ec72be76a0dc6cab91568afcde0ceabf');
INSERT INTO /*schema*/"smsplus_route" (id, body) VALUES ('2205192784551637012', E'\\x010d6f72646572207368697070656402038080c58bc6d101000005000000');
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder, reasons) VALUES ('01936000-0000-7000-8000-000000000001', '2026-11-24 11:59:00+00', '2026-11-24 11:59:00+00', '1', '0', '0', '1', 'line_notify', 'line_notify', 'order', '0', E'\\x8101000000012db021b42bb61c6fc9ea83707a79a6ab7af92fd3f0494a438866d6518dcf84328567b667', '-1', '0', NULL);
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder, reasons) VALUES ('01936000-0000-7000-8000-000000000002', '2026-11-24 11:58:00+00', '2026-11-24 12:00:30+00', '1', '1', '0', '1', 'line_notify', 'line_notify', 'order', '0', E'\\x81010000000148e0c88947783fb17361c5a3c89f95badfbf4065722a864e1a24e0f9444d03f99bf9777d', '-1', '0', NULL);
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder, reasons) VALUES ('01936000-0000-7000-8000-000000000003', '2026-11-24 11:57:00+00', '2026-11-24 12:57:00+00', '3', '0', '1', '1', 'line_notify', 'sms', 'order', '1 line_notify:1', E'\\x810100000001253fa4939600f23cd3faad0012e7d0e14735dff7ca148a32306427806b6b1f7d899a7d2c3b0aa276753eb69572900a58020d5c01fccd110dfc91455839cfc32b16b4127215eee2ce535c89304e3255070adada50d04cecfe07641d', '-1', '0', NULL);
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder, reasons) VALUES ('01936000-0000-7000-8000-000000000004', '2026-11-24 11:56:00+00', '2026-11-24 12:56:00+00', '3', '0', '1', '1', 'line_notify', 'sms', 'order', '1 line_notify:1', E'\\x8101000000019ce6cd21fae81949f8c1992cdf85aa613cf7be66679d1f0a0e1fecbe3613bf318fe31e06a86e93f6bec825e071f514c40b99549f9055e391afdf2870d8b513764056625738c4493c76b2a190ca3e571195183b0d235c071c3fe66f', '-1', '0', NULL);
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder, reasons) VALUES ('01936000-0000-7000-8000-000000000005', '2026-11-24 11:55:00+00', '2026-11-24 12:55:00+00', '3', '0', '1', '1', 'line_notify', 'sms', 'order', '1 line_notify:1', E'\\x810100000001e753268a784ddb590c8f9b8cdee39c54a335ab5f1fcbff3bad9b0373fa8be0cccd90ef458256f53fd7f5b7b64a8488721f6431afaf3133ba49fae5446523f4e43e6d01bd7e6cc8cfc18815347b774b5ad82a96f040952a3d2bd955', '-1', '0', NULL);
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder, reasons) VALUES ('01936000-0000-7000-8000-000000000006', '2026-11-24 11:54:00+00', NULL, '3', '0', '4', '2', 'line_notify', '', 'order', '4r line_notify:4r', E'\\x810100000001ed35547e7a9fed6e586782fbc842b93d1caa29a4dfd7308aab332aefb492d2824b8de3a39a2392f803de2dbe9b4a06a965f6f92d998913d5bdd53dc19a081deb25af9808684d7889117a', '-1', '0', NULL);
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder, reasons) VALUES ('01936000-0000-7000-8000-000000000007', '2026-11-24 11:53:00+00', NULL, '3', '0', '3', '3', 'sms', '', 'order', '3 line_notify:3 sms:3', E'\\x810100000001a5fd9c848142cee649f61a98cabf9a51168d4b7c7561e75b47196aea58a414414994a2fb489e8af8bcfac24663c9d39217fe07ab1803a2f4db23b14a5e7d12a71f3c9fefee546061070a9e9c7b5f2b57e3a426b2279a70c62c7f5377e4', '-1', '0', ' line_notify:no_match sms:carrier_error ');
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder, reasons) VALUES ('01936000-0000-7000-8000-000000000008', '2026-11-24 11:52:00+00', NULL, '3', '0', '2', '4', 'line_notify', '', 'order', '2 line_notify:2', E'\\x81010000000107325988d52115b63836360b6b0e1f1d032bb80495973c9e6c9dbbcf055fddc56f11ff8ec739d5342d1a58f38aeb859cdaeeefeb71dc0a9ecd3a0c81f1c08e4925ae6456feadccf6347409b98477a13a0c4076babaf4', '-1', '0', ' line_notify:template_config ');
