{{- /*
schema_version reads the version of the newest migration that was applied.

Returns: the version, 0 if none was.
*/ -}}
SELECT coalesce(max(version), 0) FROM {{.Schema}}smsplus_migration
