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
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed) VALUES ('2026-11-24 11:52:00+00', '01936000-0000-7000-8000-000000000008', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', NULL, E'\\x8101000000019b09a934c9d6855a0d6ee3aa6f856dd78965c1250e1bf8a1819043367a1a41de928faab75a2e1ab647cd9ace54c15b18210b54827f6023f77f6983930cfedec4efbbdcb6047aca9b0271e7ae');
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed) VALUES ('2026-11-24 11:53:00+00', '01936000-0000-7000-8000-000000000007', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', 'order 18', E'\\x8101000000015c85a1900f88996c73a1203aa3fe6a493c3dcef2d741c5b81f2293d1d82bdc7ef03692b636ace986af7548e6949e8c2bec12b6cdbd5ce016b1bf4262cebfa2a474b6f1458b81d97a37107e0a');
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed) VALUES ('2026-11-24 11:54:00+00', '01936000-0000-7000-8000-000000000006', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', NULL, E'\\x8101000000016836a19fd8589decab4e315f1cb9fdc0be01c7b4537791131d5c543d0743f1e85a4b905feaa5b6b92b62943412cb746de9973db690c3228054634f5d3364dd25637dc49ff5185178df7f798a');
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed) VALUES ('2026-11-24 11:55:00+00', '01936000-0000-7000-8000-000000000005', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', NULL, E'\\x810100000001416b6ff2dcea2209a1158531c8e68e08cebd04a2016164465ae2d71ca6eb62d83f95ab447f498862c7789e7026c71b714c25b1c5f33d6f26e4aa78302e0a2e4b4dad1351a2b3a9c0987df0e3');
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed) VALUES ('2026-11-24 11:56:00+00', '01936000-0000-7000-8000-000000000004', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', NULL, E'\\x81010000000191ef8630c6cb0d10c087bbaec486cd8553a341b7dbc4d167c7fb3125783e36e048d8503ed722e09455421e8ddb99930cfb180a73d8295f0a22e85c3a4da84c80cf95eb02dc2b2595cb940185');
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed) VALUES ('2026-11-24 11:57:00+00', '01936000-0000-7000-8000-000000000003', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', NULL, E'\\x810100000001d5ca0e35224c456a36a809f1ad7d783d67bfd7a3897fcceffd9790f80125e421d47a752459b1312382beaf5fd1e2263c1f58a56b4a6904107247dfc53c29ed8ff0020b403f8661b3c79a6204');
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed) VALUES ('2026-11-24 11:58:00+00', '01936000-0000-7000-8000-000000000002', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', 'order 17', E'\\x81010000000125cca2c13915b6609d96858e32c113b93f1ffbc0c1c1a1f175c0035974e7090c158f9354802e4b8d0f83a11f7a161a9ffc1fca2f24cf94aad78938944021d6ac95a5f485de9e76159ef9bf98');
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed) VALUES ('2026-11-24 11:59:00+00', '01936000-0000-7000-8000-000000000001', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', NULL, E'\\x810100000001dc5b89e7500256036549e56e809a4ccda12fb5bd010a9d9a9d9ce3891f35365429350e64f331551d80993c5d2af110825621017509368dc38d4c6fbbd913523951d62a209d6304bbe4746f2f');
INSERT INTO /*schema*/"smsplus_parked" (ref, key, at, body) VALUES ('6114143078881165755', '6663797538911080150', '2026-11-24 12:00:00+00', E'\\x81010000000189fe39af34696ee2ddb37b334619a3de25096bf44d01bc3d5f8323e4b22a39faceb7aeb4a2d10964cd8f63a2ef3a4524ba118045fe198dd0984ea452317a14e3912dd603d19e9ab4e12f52ebf225ed24ad2b');
INSERT INTO /*schema*/"smsplus_route" (id, body) VALUES ('2205192784551637012', E'\\x010d6f72646572207368697070656402038080c58bc6d101000005000000');
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body) VALUES ('01936000-0000-7000-8000-000000000001', '2026-11-24 11:59:00+00', '2026-11-24 11:59:00+00', '1', '0', '0', '1', 'line_notify', 'line_notify', 'order', '0', E'\\x810100000001756915c5867305bc6276ea58cb50db2de0c7eeffb3ba4f7582ef427e064f77b3464d380e');
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body) VALUES ('01936000-0000-7000-8000-000000000002', '2026-11-24 11:58:00+00', '2026-11-24 12:00:30+00', '1', '1', '0', '1', 'line_notify', 'line_notify', 'order', '0', E'\\x810100000001aee46129adce28ea8d7ae88a904ad3beb923a7e8a943ba80b19cff1dae72a72be7d656a4');
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body) VALUES ('01936000-0000-7000-8000-000000000003', '2026-11-24 11:57:00+00', '2026-11-24 12:57:00+00', '3', '0', '1', '1', 'line_notify', 'sms', 'order', '1 line_notify:1', E'\\x810100000001b7ea798a942598e05f72a860c17b23871ee34069adc29e3b8065217323633506a8b0e19d6ef8ca5118a0bb935c9d673744bbedca2e32fc0591127a3e82a3944f8eb484eefe15ab1fab5fe741cf79af87c3f7360651b459a98b92c5');
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body) VALUES ('01936000-0000-7000-8000-000000000004', '2026-11-24 11:56:00+00', '2026-11-24 12:56:00+00', '3', '0', '1', '1', 'line_notify', 'sms', 'order', '1 line_notify:1', E'\\x810100000001e091c3c15429162d28a80aca9ea977df07284688b38600d56da6d9a00574628dcd16b732fb8197b79e98f8e2c1304f8011a84d4a0d021a41de539d38d6762ce60811d3b9570043dcb7a9a9d5874bb312371dd544987f927bda3a82');
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body) VALUES ('01936000-0000-7000-8000-000000000005', '2026-11-24 11:55:00+00', '2026-11-24 12:55:00+00', '3', '0', '1', '1', 'line_notify', 'sms', 'order', '1 line_notify:1', E'\\x8101000000013dc3854bb07758f096a569869821e29fc45b0ed24f63d9b4af95d23ba1f6032e082aff46a9dcbacdadf43a2b2332d6782d6451d71c592b5e6c96c222dcc1c540b787cda2422d3cfbec9f1d0185e89da6ae59368219b86610c287ff');
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body) VALUES ('01936000-0000-7000-8000-000000000006', '2026-11-24 11:54:00+00', NULL, '3', '0', '4', '2', 'line_notify', '', 'order', '4r line_notify:4r', E'\\x810100000001875d0425fb6d36c402b6f5829146e440acb9129bc6c6c8e46667000357552f94ec103cf78f8b42ba06676f4b7140f4293718fd93b97d092327fcca040b0fb335ba2bc6d5f017b20ceb4d');
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body) VALUES ('01936000-0000-7000-8000-000000000007', '2026-11-24 11:53:00+00', NULL, '3', '0', '3', '3', 'sms', '', 'order', '3 line_notify:3 sms:3', E'\\x810100000001d413154ad6508a47688572e0804de0da32ef3881da2cc76da7700b43b89c384658a1a628fe2f08ba0c4597e4bb8f7b42335adc4d45aacdde8957d86aa1922906baecdccfc81a177af86a0f2751fde04dbdfa46c2ec3cbec5a8381e7f64');
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body) VALUES ('01936000-0000-7000-8000-000000000008', '2026-11-24 11:52:00+00', NULL, '3', '0', '2', '4', 'line_notify', '', 'order', '2 line_notify:2', E'\\x810100000001859ea0c58065435435144aee03f27de71fdcfff94041fc89da5cbd9f21aca436a07bd98943475abc9d14369c72b522fa1a924cf119b69b864b441b8d82cac9155b284191573ec6ea57e5e25d69d443c5d0e6f3f7a661');
