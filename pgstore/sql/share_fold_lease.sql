{{- /*
share_fold_lease makes a fold wait for a transaction that drops a month, which holds the
row from lock_fold_lease to its end. Folds do not wait for each other.

Returns: one empty row, or none if there is no such row.
*/ -}}
SELECT FROM {{.Schema}}smsplus_lease WHERE task = 'fold' FOR KEY SHARE
