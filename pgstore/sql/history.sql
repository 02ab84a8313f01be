{{- /*
history says which history of changes the database has.

Parameters: $1 a timeline (integer).
Returns: the cluster's identifier, its timeline, whether the tables were made or marked in
this cluster, and up to where the timeline $1 was read (NULL: it never was).
*/ -}}
SELECT c.system_identifier, ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer,
	EXISTS (SELECT FROM {{.Schema}}smsplus_history h WHERE h.system = c.system_identifier),
	(SELECT h.changed::text FROM {{.Schema}}smsplus_history h WHERE h.timeline = $1 AND h.system = c.system_identifier)
FROM pg_control_system() c
