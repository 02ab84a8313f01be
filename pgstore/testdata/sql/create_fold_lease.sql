-- either layout
INSERT INTO "messages".smsplus_lease (task, holder, until) VALUES ('fold', $1, '-infinity') ON CONFLICT DO NOTHING
