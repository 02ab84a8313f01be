{{- /*
forget_changes makes all messages as if they had not changed since enable_changes, which
must follow. It is for tables that were copied from another database cluster, whose
transaction IDs mean nothing here.
*/ -}}
ALTER TABLE {{.Schema}}smsplus_state DROP COLUMN changed;
DELETE FROM {{.Schema}}smsplus_history;
