package pgstore

import (
	"context"
	"time"
)

// DropMonths drops whole calendar months (UTC) and returns how many messages they held. A
// month is dropped if it ends at or before the given time and none of its messages is open,
// that is, has a DueAt. The keys of the messages become free, and statistics no longer count
// them.
//
// A month with an open message stays for a later call. [Store.Purge] deletes its ended
// messages, the messages in the default partition, and parked receipts.
//
// Each month is dropped in a transaction of its own. Dispatchers wait for the moment in
// which its tables are locked and dropped. If the lock is not granted soon, DropMonths
// releases what it has and tries again. After several tries it returns an error, and the
// month is unchanged.
//
// The pool's user must own the tables. The error is [ErrNotPartitioned] for tables that are
// not partitioned.
func (s *Store) DropMonths(ctx context.Context, before time.Time) (messages int, err error) {
	if !s.layout.partitioned {
		return 0, ErrNotPartitioned
	}
	var ms []month
	err = s.retryCall(ctx, "drop months", func(ctx context.Context) error {
		ms, err = listMonths(ctx, s.pool, s.layout)
		return err
	})
	for _, m := range ms {
		if err != nil || m.add(1).After(before) {
			break
		}
		var n int
		err = s.retryCall(ctx, "drop months", func(ctx context.Context) error {
			n, err = s.dropMonth(ctx, m)
			return err
		})
		messages += n
	}
	return messages, err
}

// dropMonth drops a month and returns how many messages it held. If one is open, it does
// nothing and returns 0.
func (s *Store) dropMonth(ctx context.Context, m month) (n int, err error) {
	tx, err := s.pool.BeginTx(ctx, readCommitted)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // after a commit there is nothing to undo
	render := func(file string) string { return s.layout.render(file, params{Partition: m.suffix()}) }
	exec := func(sql string, args ...any) {
		if err == nil {
			_, err = tx.Exec(ctx, sql, args...)
		}
	}
	count := func(file string, args ...any) (n int) {
		if err == nil {
			err = tx.QueryRow(ctx, render(file), args...).Scan(&n)
		}
		return n
	}
	open := func() bool { return count("partition_has_open") > 0 }
	if open() || err != nil {
		return 0, err
	}

	// The slow part comes first, and blocks nothing but folds and vacuum. Without folds the
	// totals of the month do not change, and concurrent changes of the month leave deltas.
	from, to := hourOf(m.Time), hourOf(m.add(1).Time)
	exec(render("create_fold_lease"), s.foldState.holder)
	exec(render("lock_fold_lease"))
	if err == nil {
		err = lockOutVacuum(ctx, tx, s.layout, m.suffix(), "_default")
	}
	exec(render("delete_partition_keys"))
	n = count("delete_totals", from, to)
	longest := spans[len(spans)-1]
	exec(render("delete_zero_totals_in_range"), longest, spanIndex(from, longest), spanIndex(to-1, longest)+1)

	// From here on all other transactions wait.
	if err == nil {
		err = lockExclusive(ctx, tx, s.layout)
	}
	if open() || err != nil {
		return 0, err
	}
	if count("count_deltas", from, to) > 0 {
		exec(render("delete_partition_keys")) // of messages that were inserted meanwhile
	}
	n += count("delete_deltas", from, to)
	exec(render("delete_partition_set_aside"))
	for _, table := range partitionedTables {
		exec("DROP TABLE " + s.layout.qualifier + table + m.suffix())
	}
	if err == nil {
		err = tx.Commit(ctx)
	}
	if err != nil {
		return 0, err
	}
	return n, nil
}
