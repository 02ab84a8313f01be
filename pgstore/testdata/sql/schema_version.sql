-- either layout
SELECT coalesce(max(version), 0) FROM "messages".smsplus_migration
