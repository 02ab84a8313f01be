-- What channels call a person, apart from the number: 16 bytes of a hash of each ID, one
-- after the other; NULL: none, erased, or from before this schema.
ALTER TABLE /*schema*/smsplus_message ADD COLUMN recipient_ids BLOB;

-- The messages by these hashes. A message without IDs has no row here.
CREATE TABLE /*schema*/smsplus_recipient (
	hash         BLOB    NOT NULL, -- 16 bytes, keyed in a sealed store
	triggered_at INTEGER NOT NULL,
	message      INTEGER NOT NULL, -- a message's number
	PRIMARY KEY (hash, triggered_at, message)
) STRICT, WITHOUT ROWID;
