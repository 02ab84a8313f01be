{{- /*
take_deltas deletes the oldest deltas, to be added to the totals in the same transaction.

Parameters: .Limit is how many deltas are taken at most.
Returns: hour, template, tally and count of each.

Why it is written this way:
  - Deltas that another fold has locked are skipped.
*/ -}}
DELETE FROM {{.Schema}}smsplus_delta WHERE id = ANY (ARRAY (
	SELECT id FROM {{.Schema}}smsplus_delta ORDER BY id LIMIT {{.Limit}} FOR UPDATE SKIP LOCKED
))
RETURNING hour, template, tally, n
