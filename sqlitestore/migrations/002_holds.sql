-- The step that the holder of a message may be sending, or -1.
ALTER TABLE /*schema*/smsplus_message ADD COLUMN sending INTEGER NOT NULL DEFAULT -1;
-- The call that took the lease; 0: nobody holds the message.
ALTER TABLE /*schema*/smsplus_message ADD COLUMN holder INTEGER NOT NULL DEFAULT 0;
-- A message that is held now may be on its way. 65534 says that the step is to be derived
-- from the attempts. A message without a lane only ends.
UPDATE /*schema*/smsplus_message SET sending = 65534
WHERE due_at IS NOT NULL AND claims > 0 AND lane <> 0;
