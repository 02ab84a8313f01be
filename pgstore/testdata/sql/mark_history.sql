-- either layout
INSERT INTO "messages".smsplus_history AS h (timeline, system, changed) VALUES ($1, $2, $3::text::xid8)
ON CONFLICT (timeline) DO UPDATE SET changed = excluded.changed WHERE h.changed < excluded.changed
