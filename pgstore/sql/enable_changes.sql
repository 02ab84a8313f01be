{{- /*
enable_changes makes the state of each message tell the transaction that changed it last. It
does nothing where it was done before.

Why it is written this way:
  - changed is the top-level transaction's ID, which never wraps around. The messages that
    are there have 0, which needs no rewrite of the table. An insert takes the default.
  - A trigger sets it in an update, so that every release's writes are noted, and those of
    stores without the option.
  - A claim and a message that is set aside change claims. An erased message may keep its
    body, and changes its version alone.
  - history has, for each timeline of the database, up to where it was read. A fail-over
    begins another timeline.
*/ -}}
ALTER TABLE {{.Schema}}smsplus_state ADD COLUMN IF NOT EXISTS changed xid8 NOT NULL DEFAULT '0';
ALTER TABLE {{.Schema}}smsplus_state ALTER COLUMN changed SET DEFAULT pg_current_xact_id();
CREATE INDEX IF NOT EXISTS smsplus_state_changed ON {{.Schema}}smsplus_state (changed, id);
CREATE OR REPLACE FUNCTION {{.Schema}}smsplus_note_change() RETURNS trigger LANGUAGE plpgsql AS $note$
BEGIN
	NEW.changed := pg_catalog.pg_current_xact_id();
	RETURN NEW;
END
$note$;
CREATE OR REPLACE TRIGGER smsplus_state_changed BEFORE UPDATE ON {{.Schema}}smsplus_state FOR EACH ROW
WHEN (NEW.body IS DISTINCT FROM OLD.body OR NEW.status <> OLD.status
	OR NEW.version <> OLD.version AND NEW.claims = OLD.claims AND NEW.due_at IS NOT DISTINCT FROM OLD.due_at)
EXECUTE FUNCTION {{.Schema}}smsplus_note_change();
CREATE TABLE IF NOT EXISTS {{.Schema}}smsplus_history (
	timeline integer NOT NULL PRIMARY KEY,
	system   bigint  NOT NULL,
	changed  xid8    NOT NULL
);
INSERT INTO {{.Schema}}smsplus_history (timeline, system, changed)
SELECT ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer, system_identifier, '0' FROM pg_control_system()
ON CONFLICT DO NOTHING;
