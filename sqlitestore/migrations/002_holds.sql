-- The step that the holder of a message may be sending, or -1.
ALTER TABLE /*schema*/smsplus_message ADD COLUMN sending INTEGER NOT NULL DEFAULT -1;
-- The call that took the lease; 0: nobody holds the message.
ALTER TABLE /*schema*/smsplus_message ADD COLUMN holder INTEGER NOT NULL DEFAULT 0;
