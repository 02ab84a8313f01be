-- either layout
SELECT substr(c.relname, length('smsplus_state') + 1)
FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = to_regclass($1) AND c.relname ~ '^smsplus_state_[0-9]{4}_[0-9]{2}$'
ORDER BY 1
