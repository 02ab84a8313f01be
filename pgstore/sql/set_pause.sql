{{- /*
set_pause stores a pause. One that is there already stays as it is.

Parameters: $1 channel, $2 template, $3 since, $4 note.
Returns: nothing.

Why it is written this way:
  - A row that is there already is locked, not changed, so that this commit waits as the one
    that stored it should have: see find_taken.
*/ -}}
INSERT INTO {{.Schema}}smsplus_pause (channel, template, since, note) VALUES ($1, $2, $3, $4)
ON CONFLICT (channel, template) DO UPDATE SET since = excluded.since WHERE false
