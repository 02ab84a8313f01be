{{- /*
create_fold_lease creates the row of the fold task, so that it can be locked.

Parameters: $1 a holder (uuid), whose lease has ended already.
Returns: nothing.
*/ -}}
INSERT INTO {{.Schema}}smsplus_lease (task, holder, until) VALUES ('fold', $1, '-infinity') ON CONFLICT DO NOTHING
