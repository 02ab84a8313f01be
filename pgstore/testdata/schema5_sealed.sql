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
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids) VALUES ('2026-11-24 11:52:00+00', '01936000-0000-7000-8000-000000000008', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', NULL, E'\\x8101000000010ad8c80b3e5791349a514b0a352a939b86682f68e2c88e09c03b87a0f50974678eb0f13f1c48ed4876c1adc1f422493fb09d2a195c23e1074088ecfa048b3f210211aca7750aa5c2bb59e600', '{cfaa4483-8723-3aff-bac4-b13c66048b99}');
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids) VALUES ('2026-11-24 11:53:00+00', '01936000-0000-7000-8000-000000000007', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', 'order 18', E'\\x8101000000011ab5b255417f71b34fdfc9507e520ead9d6fa954efedfd4abb6e3e69571dac913f87305a1193d51c588e09764b5d42e5610201672dfb22a9684f7b1e75e34da4f00f1815ad0a465dcb48d26f', '{cfaa4483-8723-3aff-bac4-b13c66048b99}');
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids) VALUES ('2026-11-24 11:54:00+00', '01936000-0000-7000-8000-000000000006', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', NULL, E'\\x81010000000126afb8e694f7361e2afa15046b90d2b05f76fe54996d9fc450d89a880257abc08457f93b01ed731ce76753cfbbf91946ded97feea99c9fd39f0bbeccca79ed014700ef08066a173f7f6ff05b', '{cfaa4483-8723-3aff-bac4-b13c66048b99}');
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids) VALUES ('2026-11-24 11:55:00+00', '01936000-0000-7000-8000-000000000005', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', NULL, E'\\x8101000000019a1e11ee5d77ae903a32a66dd5fd12b977a27485346a7e105b16d579f63b8b6b96c2848ea8f4567d560747928b8aa3e04b9bc82002bb274189adf3eb9b4907e6ae8b27c8907601b367c39a44', '{cfaa4483-8723-3aff-bac4-b13c66048b99}');
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids) VALUES ('2026-11-24 11:56:00+00', '01936000-0000-7000-8000-000000000004', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', NULL, E'\\x810100000001e6d44d7b64aa73cde8f13e4f4f3e5f3536e10aa298352322d5022ed1d21b50fefc30dab367d9714e52277aa4b0f234b4865b3b76e7af7bba650da49792305432354f0343a27562362a08afc3', '{cfaa4483-8723-3aff-bac4-b13c66048b99}');
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids) VALUES ('2026-11-24 11:57:00+00', '01936000-0000-7000-8000-000000000003', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', NULL, E'\\x810100000001e8efbd0eeb8c7db6ca6f9ae5cacc50f14d61d2228732cbcc52fa60446c899b40752467b39325e94819fe2d8e70abfea8004ca8b7aaa2a5b63bb07c7e5e9bb51925e68e661bc47c6baabc7490', '{cfaa4483-8723-3aff-bac4-b13c66048b99}');
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids) VALUES ('2026-11-24 11:58:00+00', '01936000-0000-7000-8000-000000000002', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', 'order 17', E'\\x810100000001b28963ddaaa098d191ae5ea03922b666c9982abc9002ef26e7ab9eca9489f9db336dc4cf4679b65e5832044fa3a726263bd5e01a326016b3ddb6eb04e3b5d687b187857dd806669ebbae5966', '{cfaa4483-8723-3aff-bac4-b13c66048b99}');
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed, recipient_ids) VALUES ('2026-11-24 11:59:00+00', '01936000-0000-7000-8000-000000000001', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', NULL, E'\\x810100000001599dae96a54923cbdc0001bcdf2f7e46f2ea1f84bfb82453c8176926f0409fa4f438575433e77a175d79f91d21bdc11ce57159305e876fde6d464242a6a335418c895d5cedd02cc2c103b128', '{cfaa4483-8723-3aff-bac4-b13c66048b99}');
INSERT INTO /*schema*/"smsplus_parked" (ref, key, at, body) VALUES ('6114143078881165755', '6663797538911080150', '2026-11-24 12:00:00+00', E'\\x81010000000182885e1ce7d286822eb4d2984bb24db174e110461d590886931fbaf7ed4b891793788520a92f7559a72ebbe47e95ef6f39c81391607b01369cb3f8471e192e9fcd8494c9163377e160114d7b0ca2914eed3b');
INSERT INTO /*schema*/"smsplus_route" (id, body) VALUES ('2205192784551637012', E'\\x010d6f72646572207368697070656402038080c58bc6d101000005000000');
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder) VALUES ('01936000-0000-7000-8000-000000000001', '2026-11-24 11:59:00+00', '2026-11-24 11:59:00+00', '1', '0', '0', '1', 'line_notify', 'line_notify', 'order', '0', E'\\x8101000000015ad041ffcc9026f34e37543675a703f7705628586e4960c825e0f13212f023539988cf9f', '-1', '0');
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder) VALUES ('01936000-0000-7000-8000-000000000002', '2026-11-24 11:58:00+00', '2026-11-24 12:00:30+00', '1', '1', '0', '1', 'line_notify', 'line_notify', 'order', '0', E'\\x8101000000010dbb0f8534f8125589abb77f0a06033ff59f2d108dd7f3f5ada0ba3c50fa8cdf61985593', '-1', '0');
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder) VALUES ('01936000-0000-7000-8000-000000000003', '2026-11-24 11:57:00+00', '2026-11-24 12:57:00+00', '3', '0', '1', '1', 'line_notify', 'sms', 'order', '1 line_notify:1', E'\\x81010000000173d91b224d3b3218601c4076d244f09fc66875b3f8e2e69db1b1e5d8cb3e2088dd14eebb28364693c3647142bae4f9cdad43ca18445454489cbfbd184663060153e78b2483d8df6e59247dd8f94635c69678576c92c4eac0a8d1e3', '-1', '0');
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder) VALUES ('01936000-0000-7000-8000-000000000004', '2026-11-24 11:56:00+00', '2026-11-24 12:56:00+00', '3', '0', '1', '1', 'line_notify', 'sms', 'order', '1 line_notify:1', E'\\x81010000000141a6e74c63092825ef27ec6ec07b8314b2de7ad9776dbb61c4607eea09c430cc19bfac0875f5f7f66c55c498bd940a67793d863b747b6a397312a95970cc83b40cac91c2c2beb188102741098495c4cfd0af2c189a517b85c89f53', '-1', '0');
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder) VALUES ('01936000-0000-7000-8000-000000000005', '2026-11-24 11:55:00+00', '2026-11-24 12:55:00+00', '3', '0', '1', '1', 'line_notify', 'sms', 'order', '1 line_notify:1', E'\\x810100000001894f1b20815e2f10ca84b056b7f6ccbf6a8b6f2946cbce67f27612d37b2f77e041b7192b8ed11bf1225b119b1e426d6b733fd5846eb24a804ac5d0e04e399caf953dda91874448f56c62f3f75885cf45ba43a4732d6b2a426936dc', '-1', '0');
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder) VALUES ('01936000-0000-7000-8000-000000000006', '2026-11-24 11:54:00+00', NULL, '3', '0', '4', '2', 'line_notify', '', 'order', '4r line_notify:4r', E'\\x810100000001ae8fa8326b5ed90d658f4fd27b6e26dadbfe2776ed11c88a713ab78c854988c84459bb11a35d4e037cb1167fbecb405e0853337146aa3513f050c6ef2bbaad77acf651b1f3e65641e6c7', '-1', '0');
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder) VALUES ('01936000-0000-7000-8000-000000000007', '2026-11-24 11:53:00+00', NULL, '3', '0', '3', '3', 'sms', '', 'order', '3 line_notify:3 sms:3', E'\\x810100000001498d897f45a61519905ec2fa6aa7b3980d68eff44ef6b6febd573c4a457a1e3c690650828c2d64542d6b42283eb7ab6dde2656e0de9c19a712f71f0ef52eb8f3ed336260b30354bc2583e39bcdb2908b82d02073c036f1c11c4df71913', '-1', '0');
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder) VALUES ('01936000-0000-7000-8000-000000000008', '2026-11-24 11:52:00+00', NULL, '3', '0', '2', '4', 'line_notify', '', 'order', '2 line_notify:2', E'\\x810100000001163613864440682d28c74b6b7b81d1f5f0684b12d5e609f5458993697ff483811867b54688f53f906057dfb351d80912eabbc15ff8cc408a2c15309abd0b2efaab3ac72d55d2f993d49f4e0fbebe69ef9ba4f4fb1e97', '-1', '0');
