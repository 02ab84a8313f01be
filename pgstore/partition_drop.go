package pgstore

import (
	"context"
	"time"
)

// DropMonths drops whole calendar months (UTC): each that ends at or before the given
// time and in which no message is open, that is, has a DueAt. It returns how many
// messages they held. A month with an open message stays, for a later call, and
// [Store.Purge] drops what has ended of it; so does what no month was made for. The
// messages' keys are free again, and statistics count them no more. Receipts that are
// parked are Purge's.
//
// A month goes in one transaction. Dispatchers are held up for the instant that it
// takes to lock and drop its tables; when the lock does not come at once, it gives way
// to them and tries again, and in the end returns an error that leaves the month as it
// is. The pool's user must own the tables. It returns [ErrNotPartitioned] where there are
// no months.
func (s *Store) DropMonths(ctx context.Context, before time.Time) (messages int, err error) {
	if !s.layout.partitioned {
		return 0, ErrNotPartitioned
	}
	var ms []month
	err = s.retry(ctx, "drop months", func(ctx context.Context) error {
		ms, err = listMonths(ctx, s.pool, s.layout)
		return err
	})
	for _, m := range ms {
		if err != nil || m.add(1).After(before) {
			break
		}
		var n int
		err = s.retry(ctx, "drop months", func(ctx context.Context) error {
			n, err = s.dropMonth(ctx, m)
			return err
		})
		messages += n
	}
	return messages, err
}

// dropMonth drops a month and returns how many messages it held: none if one is open.
func (s *Store) dropMonth(ctx context.Context, m month) (n int, err error) {
	tx, err := s.pool.BeginTx(ctx, readCommitted)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // after a commit there is nothing to undo
	text := func(file string) string { return s.layout.render(file, params{Partition: m.suffix()}) }
	exec := func(sql string, args ...any) {
		if err == nil {
			_, err = tx.Exec(ctx, sql, args...)
		}
	}
	count := func(file string, args ...any) (n int) {
		if err == nil {
			err = tx.QueryRow(ctx, text(file), args...).Scan(&n)
		}
		return n
	}
	open := func() bool { return count("partition_has_open") > 0 }
	if open() || err != nil {
		return 0, err
	}

	// What takes its time comes first, while everything goes on but folds: so the totals
	// of the month stay as they are, and what is done to it leaves deltas.
	from, to := hourOf(m.Time), hourOf(m.add(1).Time)
	exec(text("create_fold_lease"), s.foldState.holder)
	exec(text("lock_fold_lease"))
	if err == nil {
		err = lockOutVacuum(ctx, tx, s.layout, m.suffix(), "_default")
	}
	exec(text("delete_partition_keys"))
	n = count("delete_totals", from, to)
	exec(text("delete_zero_totals_in_range"),
		spans[len(spans)-1], spanIndex(from, spans[len(spans)-1]), spanIndex(to-1, spans[len(spans)-1])+1)

	// From here on everybody waits.
	if err == nil {
		err = lockExclusive(ctx, tx, s.layout)
	}
	if open() || err != nil {
		return 0, err
	}
	if count("count_deltas", from, to) > 0 {
		exec(text("delete_partition_keys")) // something may have been inserted
	}
	n += count("delete_deltas", from, to)
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
