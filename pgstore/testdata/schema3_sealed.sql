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
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed) VALUES ('2026-11-24 11:52:00+00', '01936000-0000-7000-8000-000000000008', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', NULL, E'\\x81010000000135d66bf197dcc755feea7e17b220077e3eec5b23ed7a150152050f4c7503467951754ca5fbf956655af41f0df07de0fe84821d9576beb1674afb9478c2bf701f15473916be6409a915307995');
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed) VALUES ('2026-11-24 11:53:00+00', '01936000-0000-7000-8000-000000000007', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', 'order 18', E'\\x81010000000171be2413329d4b58defd6f71f227c608e90d188cd8d75baa8b91fdda1fa3c9da9d2d70ee50439f518c779f5b4e339c672994545763b8425e7569e370dff8aa6cb1568e21d59a7fa64e07f258');
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed) VALUES ('2026-11-24 11:54:00+00', '01936000-0000-7000-8000-000000000006', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', NULL, E'\\x8101000000014e76fcc7ea29e51ce1af9c6219a9cbfcfcf6e2165585117b23d56db7d50644c03dab8fe2bfdd4e88f476a7aadffb749f9ef726434f5b6c5a4c837ca14b587363234d9155b84402f7689681f3');
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed) VALUES ('2026-11-24 11:55:00+00', '01936000-0000-7000-8000-000000000005', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', NULL, E'\\x8101000000011ce09c0aeaf8acbcc3752b81a71f7e04621e033b5a119eeaa2d9c376451dbb4d3547d063bee118e8e48f0151ce7743b9abe3e8a7e1083f535303ac9c520a19d872a5d7d665c6899ba7b25723');
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed) VALUES ('2026-11-24 11:56:00+00', '01936000-0000-7000-8000-000000000004', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', NULL, E'\\x810100000001e2613d855711cffb01d9ce86fa96ff95326c0d56ea7d07e62652a849fbf83c31bc4fb83c29f8cb4fc270ff1a1a7c2cb802f2fffb925d1e0d4aad5468f8a306181f67f2fbbc8f75aa429c6022');
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed) VALUES ('2026-11-24 11:57:00+00', '01936000-0000-7000-8000-000000000003', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', NULL, E'\\x8101000000012a987fd270cf6ffb363ca114c15616664e81df488db83625986b3f2e3eb6b9af0ea193b6d1399f9399692cfa0ac6ee17b22bd2672c2ff56e89ed5eaf3312abce001a0dc52a7f1ed8f54e762d');
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed) VALUES ('2026-11-24 11:58:00+00', '01936000-0000-7000-8000-000000000002', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', 'order 17', E'\\x81010000000164d649867b6116f90afc6e6fae0e6b354e6e8d4d9fdfb542e37484a16e835d7338d63dc3bc6841904381c2116be94e8724daf5f545ddd46d9950c0d8b2c88a36e51529c304d34d1988cc8e03');
INSERT INTO /*schema*/"smsplus_message" (triggered_at, id, route, template, country, phone, key, fixed) VALUES ('2026-11-24 11:59:00+00', '01936000-0000-7000-8000-000000000001', '2205192784551637012', 'order', '886', '48nCraQMrpQkPdmfpdMOsw', NULL, E'\\x8101000000015441b3f226223843a3bbec9da725ffb30c81a5d33ff5c2590f6030c72a1c3edc0ac567912496c583edab17ed02c98ff18d85447c74b081d30dca0fe3391bdd8c6a2f18ac576a76778b7869f8');
INSERT INTO /*schema*/"smsplus_parked" (ref, key, at, body) VALUES ('6114143078881165755', '6663797538911080150', '2026-11-24 12:00:00+00', E'\\x8101000000011f20dea6e516a9c738c65909d6502186fdcf2a5090ee8c8d8d32e2336df4bfa1818554fa156d8065bff4d8ab29da2fec39ebc2e1817738b61382ab0749d74115c4e575b820217829e050107f0991598dd0e9');
INSERT INTO /*schema*/"smsplus_route" (id, body) VALUES ('2205192784551637012', E'\\x010d6f72646572207368697070656402038080c58bc6d101000005000000');
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder) VALUES ('01936000-0000-7000-8000-000000000001', '2026-11-24 11:59:00+00', '2026-11-24 11:59:00+00', '1', '0', '0', '1', 'line_notify', 'line_notify', 'order', '0', E'\\x81010000000108fa914b22d612632a055bb8309a5396bcdacc1ce1b00c0012762d632ba9fb4182433666', '-1', '0');
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder) VALUES ('01936000-0000-7000-8000-000000000002', '2026-11-24 11:58:00+00', '2026-11-24 12:00:30+00', '1', '1', '0', '1', 'line_notify', 'line_notify', 'order', '0', E'\\x81010000000138ebd21df035db5e9ed9eb65051f45fc38d38b7e03d369f01b25c21c31e9132ac7dfbe97', '-1', '0');
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder) VALUES ('01936000-0000-7000-8000-000000000003', '2026-11-24 11:57:00+00', '2026-11-24 12:57:00+00', '3', '0', '1', '1', 'line_notify', 'sms', 'order', '1 line_notify:1', E'\\x81010000000159a9006f9d253c2a9dc20c5970c22c760b6af6b32354ee74d0b82afd4cefc9c9b51e2f959dd47a8cb2a4b24a2745557920542746ae8722b5c04eb25a8d6d6f95209e5a7adc564dd9080bd0326059b809805c6ca669ff9857d4b4fc', '-1', '0');
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder) VALUES ('01936000-0000-7000-8000-000000000004', '2026-11-24 11:56:00+00', '2026-11-24 12:56:00+00', '3', '0', '1', '1', 'line_notify', 'sms', 'order', '1 line_notify:1', E'\\x810100000001170790da5cecb621c1c666f3f6c8bcbab1df62df19701ce78fa2c221decf7e80248ef8f09a2284b6d1d1d327d7200cb841f3e9b17be6796318fbe440c0a4bc7fea3f45f2aacdc99d214fbbdc2ba2417f13a9c0be2a792faec0ba50', '-1', '0');
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder) VALUES ('01936000-0000-7000-8000-000000000005', '2026-11-24 11:55:00+00', '2026-11-24 12:55:00+00', '3', '0', '1', '1', 'line_notify', 'sms', 'order', '1 line_notify:1', E'\\x81010000000172f4f0a05a5db370fe2b77b8148800e8296eb7358386bdd3ccc383ab412a23271e1cfa348d9a02eb544a60758c20d6ffa0885cd26654065ff427933f7938c79db2e87dfe01e0bab83aecac8db47409526992bc4d3e88dd5f8cc02c', '-1', '0');
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder) VALUES ('01936000-0000-7000-8000-000000000006', '2026-11-24 11:54:00+00', NULL, '3', '0', '4', '2', 'line_notify', '', 'order', '4r line_notify:4r', E'\\x8101000000015aee45f7d3a6c5f6bcb3f81a09d87161e1febbfffbdeff161087e9d55c95e28841f98cc988a9634cce00127da50770f946bda6c70cd6217bd655eb8857b125e0733d4caa3a502036b671', '-1', '0');
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder) VALUES ('01936000-0000-7000-8000-000000000007', '2026-11-24 11:53:00+00', NULL, '3', '0', '3', '3', 'sms', '', 'order', '3 line_notify:3 sms:3', E'\\x8101000000010074f213edda54546c4c7e09053396ef286e05129055bf2522cdd95c8fd51f41c915f655863d0311ad0767d045cd75965a657f172a9f89cd00b55730c5142f8d9cbc26ff3e328aa4c59ca6123fb827c09006b292b85d7295a6eef5f99f', '-1', '0');
INSERT INTO /*schema*/"smsplus_state" (id, triggered_at, due_at, version, claims, status, tab, channel, lane, template, tally, body, sending, holder) VALUES ('01936000-0000-7000-8000-000000000008', '2026-11-24 11:52:00+00', NULL, '3', '0', '2', '4', 'line_notify', '', 'order', '2 line_notify:2', E'\\x810100000001fb609c4d56592fd98fa42eacfb4be83e1aa7486bf057c795b7dc6699abeac8c3d17702c7888262af2c2fd2414e1ca78708f3f08efee46f47b804f992e9864e06c5f86d042207b77fee2d9e3310d63a9f6cded389e973', '-1', '0');
