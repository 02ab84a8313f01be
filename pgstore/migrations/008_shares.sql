-- A heartbeat has the parts of shared rate limits that its dispatcher has.
ALTER TABLE /*schema*/smsplus_heartbeat ADD COLUMN shares jsonb NOT NULL DEFAULT '{}';
