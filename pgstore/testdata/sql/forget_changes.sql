-- either layout
ALTER TABLE "messages".smsplus_state DROP COLUMN changed;
DELETE FROM "messages".smsplus_history;
