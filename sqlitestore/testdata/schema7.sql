PRAGMA application_id = 0;
PRAGMA user_version = 0;
CREATE VIEW smsplus_record AS
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
CREATE TABLE smsplus_heartbeat (
	id         BLOB PRIMARY KEY NOT NULL,
	name       TEXT NOT NULL,
	started_at INTEGER NOT NULL,
	at         INTEGER NOT NULL,
	until      INTEGER NOT NULL,
	channels   TEXT NOT NULL, -- a JSON array
	templates  TEXT NOT NULL  -- a JSON array
, shares TEXT NOT NULL DEFAULT '{}') STRICT, WITHOUT ROWID;
CREATE TABLE smsplus_message (
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
, sending INTEGER NOT NULL DEFAULT -1, holder INTEGER NOT NULL DEFAULT 0, recipient_ids BLOB, reference BLOB, reasons TEXT) STRICT;
CREATE TABLE smsplus_migration (
	version    INTEGER PRIMARY KEY,
	name       TEXT NOT NULL,
	applied_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
) STRICT;
CREATE TABLE smsplus_name (
	number INTEGER PRIMARY KEY,
	name   TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE smsplus_parked (
	ref     INTEGER NOT NULL, -- as in smsplus_ref
	key     INTEGER NOT NULL, -- 64 bits of a hash of the receipt
	at      INTEGER NOT NULL,
	receipt BLOB NOT NULL,    -- as encoded
	PRIMARY KEY (ref, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE smsplus_pause (
	channel  TEXT NOT NULL,    -- '': it is a template's pause
	template TEXT NOT NULL,    -- '': it is a channel's pause
	since    INTEGER NOT NULL,
	note     TEXT NOT NULL,
	PRIMARY KEY (channel, template)
) STRICT, WITHOUT ROWID;
CREATE TABLE smsplus_recipient (
	hash         BLOB    NOT NULL, -- 16 bytes, keyed in a sealed store
	triggered_at INTEGER NOT NULL,
	message      INTEGER NOT NULL, -- a message's number
	PRIMARY KEY (hash, triggered_at, message)
) STRICT, WITHOUT ROWID;
CREATE TABLE smsplus_ref (
	ref     INTEGER NOT NULL,
	message INTEGER NOT NULL, -- a message's number
	PRIMARY KEY (ref, message)
) STRICT, WITHOUT ROWID;
CREATE TABLE smsplus_route (
	number INTEGER PRIMARY KEY,
	route  BLOB NOT NULL UNIQUE
) STRICT;
CREATE TABLE smsplus_set_aside (
	message INTEGER PRIMARY KEY, -- a message's number
	version INTEGER NOT NULL
) STRICT;
CREATE TABLE smsplus_sheet (
	day         INTEGER PRIMARY KEY, -- since 1970
	stamp       INTEGER NOT NULL,    -- the sum of the day's stamps; 0: not all of its hours are counted
	hours       BLOB NOT NULL,       -- the sum of the stamps of each hour; 0: it is not counted
	-- The short ones first, which most queries need alone.
	totals      BLOB NOT NULL,       -- counts by channel, as encoded
	total_times BLOB NOT NULL,       -- times to delivery by channel
	day_counts  BLOB NOT NULL,       -- counts, without the time of the day
	day_times   BLOB NOT NULL,       -- times, without the time of the day
	counts      BLOB NOT NULL,       -- counts by template, scenario, channel and reason
	times       BLOB NOT NULL        -- times to delivery by template, scenario and channel
) STRICT;
CREATE TABLE smsplus_tally (
	channel INTEGER NOT NULL, -- a name's number; 0: the messages
	hours   INTEGER NOT NULL, -- how long the time is: 1 or 24
	start   INTEGER NOT NULL, -- in hours since 1970
	part    INTEGER NOT NULL, -- of the templates: their numbers / 32
	counts  BLOB NOT NULL, stamp INTEGER NOT NULL DEFAULT 0,    -- as encoded
	PRIMARY KEY (channel, hours, start, part)
) STRICT, WITHOUT ROWID;
CREATE TABLE smsplus_tried (
	channel      INTEGER NOT NULL, -- a name's number
	triggered_at INTEGER NOT NULL,
	message      INTEGER NOT NULL, -- a message's number
	PRIMARY KEY (channel, triggered_at, message)
) STRICT, WITHOUT ROWID;
CREATE INDEX smsplus_message_country ON smsplus_message (country, triggered_at) WHERE country IS NOT NULL;
CREATE INDEX smsplus_message_due ON smsplus_message (lane, due_at) WHERE due_at IS NOT NULL;
CREATE UNIQUE INDEX smsplus_message_id ON smsplus_message (id);
CREATE UNIQUE INDEX smsplus_message_key ON smsplus_message (key) WHERE key IS NOT NULL;
CREATE INDEX smsplus_message_phone ON smsplus_message (phone, triggered_at) WHERE phone IS NOT NULL;
CREATE INDEX smsplus_message_reason ON smsplus_message (triggered_at) WHERE reasons IS NOT NULL;
CREATE INDEX smsplus_message_reference ON smsplus_message (reference, triggered_at) WHERE reference IS NOT NULL;
CREATE INDEX smsplus_message_tab ON smsplus_message (tab, triggered_at);
CREATE INDEX smsplus_message_template ON smsplus_message (template, triggered_at);
CREATE INDEX smsplus_message_time ON smsplus_message (triggered_at);
CREATE INDEX smsplus_parked_at ON smsplus_parked (at);
INSERT INTO smsplus_message VALUES (1, 1, 0, 1795521540000000, 2, 0, 1, 2, 1795521540000000, 1, 1, X'01936000000070008000000000000001', NULL, '+886912345678', '886', X'00', X'0104809CD796840500', X'010B553461663439383036323901066E756D62657204E7ACAC31010473686F70023137', -1, 0, X'59345B85E100827DF6AA34FB2DB65509', NULL, NULL);
INSERT INTO smsplus_message VALUES (2, 1, 1, 1795521630000000, 2, 0, 1, 2, 1795521480000000, 1, 1, X'01936000000070008000000000000002', 'order 17', '+886912345678', '886', X'00', X'010480B8F3CF840500', X'010B553461663439383036323901066E756D62657204E7ACAC32010473686F70023137', -1, 0, X'59345B85E100827DF6AA34FB2DB65509', NULL, NULL);
INSERT INTO smsplus_message VALUES (3, 3, 0, 1795525020000000, 3, 1, 1, 2, 1795521420000000, 1, 1, X'01936000000070008000000000000003', NULL, '+886912345678', '886', X'000221B4AAEA7A526F4CC1', X'010480D48F8985050103FFD38F89850580897A03010002287461672030313933363030302D303030302D373030302D383030302D303030303030303030303033', X'010B553461663439383036323901066E756D62657204E7ACAC33010473686F70023137', -1, 0, X'59345B85E100827DF6AA34FB2DB65509', NULL, NULL);
INSERT INTO smsplus_message VALUES (4, 3, 0, 1795524960000000, 3, 1, 1, 2, 1795521360000000, 1, 1, X'01936000000070008000000000000004', NULL, '+886912345678', '886', X'0002212E41D7625443DDB0', X'010480F0ABC285050103FFEFABC2850580897A03010002287461672030313933363030302D303030302D373030302D383030302D303030303030303030303034', X'010B553461663439383036323901066E756D62657204E7ACAC34010473686F70023137', -1, 0, X'59345B85E100827DF6AA34FB2DB65509', NULL, NULL);
INSERT INTO smsplus_message VALUES (5, 3, 0, 1795524900000000, 3, 1, 1, 2, 1795521300000000, 1, 1, X'01936000000070008000000000000005', NULL, '+886912345678', '886', X'0002216E0AFBB0925D0D58', X'0104808CC8FB85050103FF8BC8FB850580897A03010002287461672030313933363030302D303030302D373030302D383030302D303030303030303030303035', X'010B553461663439383036323901066E756D62657204E7ACAC35010473686F70023137', -1, 0, X'59345B85E100827DF6AA34FB2DB65509', NULL, NULL);
INSERT INTO smsplus_message VALUES (6, 3, 0, NULL, 0, 4, 2, 2, 1795521240000000, 1, 1, X'01936000000070008000000000000006', NULL, '+886912345678', '886', X'100234F7805D7919360672', X'01078092F401809C9C3980FAD3F98505011FFFA7E4B4860580897A80897A809C9C39FF9B9C3903040002047365656E', X'010B553461663439383036323901066E756D62657204E7ACAC36010473686F70023137', -1, 0, X'59345B85E100827DF6AA34FB2DB65509', NULL, NULL);
INSERT INTO smsplus_message VALUES (7, 3, 0, NULL, 0, 3, 3, 3, 1795521180000000, 1, 1, X'01936000000070008000000000000007', 'order 18', '+886912345678', '886', X'0002030323FCA5988169DFE2AD', X'010480C480EE86050293FFC380EE860580897A80897A0303000200060093FF91F40180897A80897A050302020430304131090F554E44454C49562065727220303030', X'010B553461663439383036323901066E756D62657204E7ACAC37010473686F70023137', -1, 0, X'59345B85E100827DF6AA34FB2DB65509', NULL, ' line_notify:no_match sms:carrier_error ');
INSERT INTO smsplus_message VALUES (8, 3, 0, NULL, 0, 2, 4, 2, 1795521120000000, 1, 1, X'01936000000070008000000000000008', NULL, '+886912345678', '886', X'000202', X'010480E09CA787050193FFDF9CA7870580897A80897A03020002000D1E6E6F20737563682074656D706C6174652069732072656769737465726564', X'010B553461663439383036323901066E756D62657204E7ACAC38010473686F70023137', -1, 0, X'59345B85E100827DF6AA34FB2DB65509', NULL, ' line_notify:template_config ');
INSERT INTO smsplus_migration VALUES (1, 'messages', '2026-11-30 16:19:43');
INSERT INTO smsplus_migration VALUES (2, 'holds', '2026-11-30 16:19:43');
INSERT INTO smsplus_migration VALUES (3, 'recipients', '2026-11-30 16:19:43');
INSERT INTO smsplus_migration VALUES (4, 'operations', '2026-11-30 16:19:43');
INSERT INTO smsplus_migration VALUES (5, 'found', '2026-11-30 16:19:43');
INSERT INTO smsplus_migration VALUES (6, 'sheets', '2026-11-30 16:19:43');
INSERT INTO smsplus_migration VALUES (7, 'shares', '2026-11-30 16:19:43');
INSERT INTO smsplus_name VALUES (1, 'order');
INSERT INTO smsplus_name VALUES (2, 'line_notify');
INSERT INTO smsplus_name VALUES (3, 'sms');
INSERT INTO smsplus_parked VALUES (7929426829727567192, 2531950851873831580, 1795521600000000, X'0103287461672030313933363030302D303030302D373030302D383030302D3030303030303030303030350400010080C0BCB28EC1B006');
INSERT INTO smsplus_recipient VALUES (X'59345B85E100827DF6AA34FB2DB65509', 1795521120000000, 8);
INSERT INTO smsplus_recipient VALUES (X'59345B85E100827DF6AA34FB2DB65509', 1795521180000000, 7);
INSERT INTO smsplus_recipient VALUES (X'59345B85E100827DF6AA34FB2DB65509', 1795521240000000, 6);
INSERT INTO smsplus_recipient VALUES (X'59345B85E100827DF6AA34FB2DB65509', 1795521300000000, 5);
INSERT INTO smsplus_recipient VALUES (X'59345B85E100827DF6AA34FB2DB65509', 1795521360000000, 4);
INSERT INTO smsplus_recipient VALUES (X'59345B85E100827DF6AA34FB2DB65509', 1795521420000000, 3);
INSERT INTO smsplus_recipient VALUES (X'59345B85E100827DF6AA34FB2DB65509', 1795521480000000, 2);
INSERT INTO smsplus_recipient VALUES (X'59345B85E100827DF6AA34FB2DB65509', 1795521540000000, 1);
INSERT INTO smsplus_ref VALUES (-5428268589751776063, 3);
INSERT INTO smsplus_ref VALUES (-612386774626990478, 6);
INSERT INTO smsplus_ref VALUES (-241619323399970131, 7);
INSERT INTO smsplus_ref VALUES (3333182016551378352, 4);
INSERT INTO smsplus_ref VALUES (7929426829727567192, 5);
INSERT INTO smsplus_route VALUES (1, X'010D6F72646572207368697070656402038080C58BC6D101000005000000');
INSERT INTO smsplus_tally VALUES (0, 1, 498755, 0, X'2102800203E00201E00101E01101', -6151173812022559870);
INSERT INTO smsplus_tally VALUES (0, 24, 498744, 0, X'2102800203E00201E00101E01101', -8414036557157795902);
INSERT INTO smsplus_tally VALUES (2, 1, 498755, 0, X'A10203E00201E00101E01101', 20701359661251580);
INSERT INTO smsplus_tally VALUES (2, 24, 498744, 0, X'A10203E00201E00101E01101', 2707579124952539139);
INSERT INTO smsplus_tally VALUES (3, 1, 498755, 0, X'E10601', 2707168046075500624);
INSERT INTO smsplus_tally VALUES (3, 24, 498744, 0, X'E10601', 1014931247981251929);
INSERT INTO smsplus_tried VALUES (2, 1795521120000000, 8);
INSERT INTO smsplus_tried VALUES (2, 1795521180000000, 7);
INSERT INTO smsplus_tried VALUES (2, 1795521240000000, 6);
INSERT INTO smsplus_tried VALUES (2, 1795521300000000, 5);
INSERT INTO smsplus_tried VALUES (2, 1795521360000000, 4);
INSERT INTO smsplus_tried VALUES (2, 1795521420000000, 3);
INSERT INTO smsplus_tried VALUES (3, 1795521180000000, 7);
