{{- /*
sync_commit makes the transaction's commit wait until it is durable, whatever
synchronous_commit is.

Returns: the setting, or no row where commits wait anyway.
*/ -}}
SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'
