-- either layout
ALTER TABLE "messages".smsplus_state ADD COLUMN IF NOT EXISTS changed xid8 NOT NULL DEFAULT '0';
ALTER TABLE "messages".smsplus_state ALTER COLUMN changed SET DEFAULT pg_current_xact_id();
CREATE INDEX IF NOT EXISTS smsplus_state_changed ON "messages".smsplus_state (changed, id);
CREATE OR REPLACE FUNCTION "messages".smsplus_note_change() RETURNS trigger LANGUAGE plpgsql AS $note$
BEGIN
	NEW.changed := pg_catalog.pg_current_xact_id();
	RETURN NEW;
END
$note$;
CREATE OR REPLACE TRIGGER smsplus_state_changed BEFORE UPDATE ON "messages".smsplus_state FOR EACH ROW
WHEN (NEW.body IS DISTINCT FROM OLD.body OR NEW.status <> OLD.status
	OR NEW.version <> OLD.version AND NEW.claims = OLD.claims AND NEW.due_at IS NOT DISTINCT FROM OLD.due_at)
EXECUTE FUNCTION "messages".smsplus_note_change();
CREATE TABLE IF NOT EXISTS "messages".smsplus_history (
	timeline integer NOT NULL PRIMARY KEY,
	system   bigint  NOT NULL,
	changed  xid8    NOT NULL
);
INSERT INTO "messages".smsplus_history (timeline, system, changed)
SELECT ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer, system_identifier, '0' FROM pg_control_system()
ON CONFLICT DO NOTHING;
