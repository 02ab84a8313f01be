{{- /*
mark_history notes up to where a timeline was read, so that after a fail-over a reader goes on
from there at most.

Parameters: $1 the timeline, $2 the cluster's identifier, $3 the bound (text).
Returns: nothing.
*/ -}}
INSERT INTO {{.Schema}}smsplus_history AS h (timeline, system, changed) VALUES ($1, $2, $3::text::xid8)
ON CONFLICT (timeline) DO UPDATE SET changed = excluded.changed WHERE h.changed < excluded.changed
