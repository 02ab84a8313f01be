{{- /*
lock_fold_lease keeps folds out until the transaction ends: see share_fold_lease.

Returns: one empty row.
*/ -}}
SELECT FROM {{.Schema}}smsplus_lease WHERE task = 'fold' FOR UPDATE
