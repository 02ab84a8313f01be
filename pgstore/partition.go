package pgstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// In the monthly layout the tables of messages, states and attempts are partitioned: a
// partition for each calendar month (UTC) of trigger times, and a default one for
// what no month was made for, so that no insert fails for want of one.
//
// To make or drop a month PostgreSQL locks the whole tables. That takes an instant, but
// while it waits for a statement that runs, all that come later wait too: so it waits
// no longer than lockWait, and tries again later.
const lockTimeout = "150ms"

// premadeMonths is how many months are made besides the present one.
const premadeMonths = 2

// partitionedTables are the tables, in the order in which most statements lock them.
var partitionedTables = []string{"smsplus_state", "smsplus_message", "smsplus_attempt"}

// month is the first instant of a calendar month in UTC.
type month struct{ time.Time }

func monthOf(t time.Time) month {
	t = t.UTC()
	return month{time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)}
}

func (m month) add(months int) month { return month{m.AddDate(0, months, 0)} }

// literal returns the month's first instant as SQL has it.
func (m month) literal() string { return m.Format(time.RFC3339) }

// suffix ends the names of the month's partitions.
func (m month) suffix() string { return m.Format("_2006_01") }

// monthsToCreate are those that should be there.
func monthsToCreate(now time.Time) (ms []month) {
	for n := range premadeMonths + 1 {
		ms = append(ms, monthOf(now).add(n))
	}
	return ms
}

// createPartitionsSQL makes a month's partitions, unless they are there.
func createPartitionsSQL(l layout, m month) string {
	var b strings.Builder
	for _, table := range partitionedTables {
		fmt.Fprintf(&b, "CREATE TABLE IF NOT EXISTS %[1]s%[2]s%[3]s PARTITION OF %[1]s%[2]s\n\tFOR VALUES FROM ('%[4]s') TO ('%[5]s')",
			l.qualifier, table, m.suffix(), m.literal(), m.add(1).literal())
		if table == "smsplus_state" {
			b.WriteString("\n\tWITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02)")
		}
		b.WriteString(";\n")
	}
	return b.String()
}

// createPartitionsScript makes the months that should be there, as one text.
func createPartitionsScript(l layout, now time.Time) string {
	var b strings.Builder
	b.WriteString("-- smsplus, the months to come\nBEGIN;\n\n")
	for _, m := range monthsToCreate(now) {
		b.WriteString(createPartitionsSQL(l, m))
	}
	b.WriteString("\nCOMMIT;\n")
	return b.String()
}

// listMonths returns the months that are there, the earliest first.
func listMonths(ctx context.Context, db querier, l layout) ([]month, error) {
	rows, err := db.Query(ctx, l.render("list_months", params{}), l.qualifier+"smsplus_state")
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (month, error) {
		var suffix string
		if err := row.Scan(&suffix); err != nil {
			return month{}, err
		}
		at, err := time.Parse("_2006_01", suffix)
		return month{at}, err
	})
}

// createPartitions makes the months that should be there and are not. A month of which the
// default partitions hold messages cannot be made: it stays where it is.
func createPartitions(ctx context.Context, tx pgx.Tx, l layout, now time.Time) error {
	have, err := listMonths(ctx, tx, l)
	if err != nil {
		return err
	}
	var missing strings.Builder
	for _, m := range monthsToCreate(now) {
		if slices.Contains(have, m) {
			continue
		}
		taken, err := defaultPartitionHas(ctx, tx, l, m)
		if err != nil {
			return err
		}
		if !taken {
			missing.WriteString(createPartitionsSQL(l, m))
		}
	}
	if missing.Len() == 0 {
		return nil
	}
	if err := lockOutVacuum(ctx, tx, l, "_default"); err != nil {
		return err
	}
	if err := lockExclusive(ctx, tx, l); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, missing.String())
	return err
}

// defaultPartitionHas reports whether the default partitions hold messages of the month.
func defaultPartitionHas(ctx context.Context, db querier, l layout, m month) (taken bool, err error) {
	err = db.QueryRow(ctx, l.render("default_partition_has", params{}), m.Time, m.add(1).Time).Scan(&taken)
	return taken, err
}

// lockOutVacuum keeps vacuum away from partitions, which it would hold for long. Statements go on.
func lockOutVacuum(ctx context.Context, tx pgx.Tx, l layout, suffixes ...string) error {
	var names []string
	for _, table := range partitionedTables {
		for _, suffix := range suffixes {
			names = append(names, l.qualifier+table+suffix)
		}
	}
	return lockTables(ctx, tx, "2s", strings.Join(names, ", "), "SHARE UPDATE EXCLUSIVE")
}

// lockExclusive has the transaction alone with the tables, and with what is in them: every
// statement goes through them.
func lockExclusive(ctx context.Context, tx pgx.Tx, l layout) error {
	only := "ONLY " + l.qualifier
	return lockTables(ctx, tx, lockTimeout, only+strings.Join(partitionedTables, ", "+only), "ACCESS EXCLUSIVE")
}

// lockTables locks tables and waits for it no longer than that.
func lockTables(ctx context.Context, tx pgx.Tx, wait, tables, mode string) error {
	_, err := tx.Exec(ctx, fmt.Sprintf("SET LOCAL lock_timeout = '%s'; LOCK TABLE %s IN %s MODE", wait, tables, mode))
	return err
}

// partitionSchedule is when a store makes months by itself.
type partitionSchedule struct {
	mu         sync.Mutex
	last, next time.Time // it looks again before last, or from next on
}

// partitionRetry is how long after one that failed a store tries again to make months.
const partitionRetry = time.Hour

// ensurePartitions makes months ahead, once in a month.
func (s *Store) ensurePartitions(ctx context.Context, now time.Time) error {
	ms := &s.partitionSchedule
	ms.mu.Lock()
	defer ms.mu.Unlock()
	if !s.layout.partitioned || !now.Before(ms.last) && now.Before(ms.next) {
		return nil
	}
	err := s.retry(ctx, "make months", func(ctx context.Context) error {
		return pgx.BeginTxFunc(ctx, s.pool, readCommitted, func(tx pgx.Tx) error { return createPartitions(ctx, tx, s.layout, now) })
	})
	ms.last, ms.next = now, monthOf(now).add(1).Time
	if err != nil {
		ms.next = now.Add(partitionRetry)
	}
	return err
}

// readCommitted is for transactions that wait for a lock and go on with what is there
// then, and for those that read much, whatever the database's default is.
var readCommitted = pgx.TxOptions{IsoLevel: pgx.ReadCommitted}

// ErrNotPartitioned is what [Store.DropMonths] returns where the tables are not by months.
var ErrNotPartitioned = errors.New("pgstore: the tables are not by months")
