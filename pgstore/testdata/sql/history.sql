-- either layout
SELECT c.system_identifier, ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer,
	EXISTS (SELECT FROM "messages".smsplus_history h WHERE h.system = c.system_identifier),
	(SELECT h.changed::text FROM "messages".smsplus_history h WHERE h.timeline = $1 AND h.system = c.system_identifier)
FROM pg_control_system() c
