-- What the application calls what a message belongs to: 16 bytes of a hash of it, keyed in a
-- sealed store; NULL: none, or from before this schema.
ALTER TABLE /*schema*/smsplus_message ADD COLUMN reference BLOB;
CREATE INDEX /*schema*/smsplus_message_reference ON smsplus_message (reference, triggered_at) WHERE reference IS NOT NULL;

-- Why attempts did not arrive, a word for each attempt; NULL: none failed for a reason, or the
-- message has not changed since before this schema.
ALTER TABLE /*schema*/smsplus_message ADD COLUMN reasons TEXT;
CREATE INDEX /*schema*/smsplus_message_reason ON smsplus_message (triggered_at) WHERE reasons IS NOT NULL;
