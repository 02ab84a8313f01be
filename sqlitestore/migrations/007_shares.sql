-- A heartbeat has the parts of shared rate limits that its dispatcher has, as a JSON object.
ALTER TABLE /*schema*/smsplus_heartbeat ADD COLUMN shares TEXT NOT NULL DEFAULT '{}';
