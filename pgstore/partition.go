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

// With Options.PartitionByMonth the tables of messages, states and attempts are partitioned.
// There is a partition for each calendar month (UTC) of trigger times. A default partition
// holds all other months, so that no insert fails because a partition is missing.

// lockTimeout bounds how long a transaction waits for an exclusive lock on the tables, which
// it needs to create or drop partitions. While it waits for one running statement, all
// later statements wait behind it. So it gives up soon, and tries again later.
const lockTimeout = "150ms"

// premadeMonths is the number of months after the current one that have partitions.
const premadeMonths = 2

// partitionedTables are in the order in which most statements lock them.
var partitionedTables = []string{"smsplus_state", "smsplus_message", "smsplus_attempt"}

// month is the first instant of a calendar month in UTC.
type month struct{ time.Time }

func monthOf(t time.Time) month {
	t = t.UTC()
	return month{time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)}
}

func (m month) add(months int) month { return month{m.AddDate(0, months, 0)} }

// literal returns the month's first instant as a timestamp in SQL.
func (m month) literal() string { return m.Format(time.RFC3339) }

// suffix returns the end of the names of the month's partitions.
func (m month) suffix() string { return m.Format("_2006_01") }

// monthsToCreate returns the months that should have partitions.
func monthsToCreate(now time.Time) (ms []month) {
	for n := range premadeMonths + 1 {
		ms = append(ms, monthOf(now).add(n))
	}
	return ms
}

// createPartitionsSQL returns the SQL that creates a month's partitions, unless they exist.
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

// createPartitionsScript returns the SQL that creates all partitions that should exist, in a
// transaction.
func createPartitionsScript(l layout, now time.Time) string {
	var b strings.Builder
	b.WriteString("-- smsplus, the months to come\nBEGIN;\n\n")
	for _, m := range monthsToCreate(now) {
		b.WriteString(createPartitionsSQL(l, m))
	}
	b.WriteString("\nCOMMIT;\n")
	return b.String()
}

// listMonths returns the months that have partitions, the earliest first.
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

// createPartitions creates the partitions that should exist and do not. PostgreSQL cannot
// create the partitions of a month of which the default partition holds messages. Such a
// month is skipped.
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
		inDefault, err := defaultPartitionHas(ctx, tx, l, m)
		if err != nil {
			return err
		}
		if !inDefault {
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

// defaultPartitionHas reports whether the default partition holds messages of the month.
func defaultPartitionHas(ctx context.Context, db querier, l layout, m month) (has bool, err error) {
	err = db.QueryRow(ctx, l.render("default_partition_has", params{}), m.Time, m.add(1).Time).Scan(&has)
	return has, err
}

// lockOutVacuum keeps vacuum out of partitions, because a vacuum holds its lock for long.
// Other statements continue.
func lockOutVacuum(ctx context.Context, tx pgx.Tx, l layout, suffixes ...string) error {
	var names []string
	for _, table := range partitionedTables {
		for _, suffix := range suffixes {
			names = append(names, l.qualifier+table+suffix)
		}
	}
	return lockTables(ctx, tx, "2s", strings.Join(names, ", "), "SHARE UPDATE EXCLUSIVE")
}

// lockExclusive locks all other transactions out of the partitioned tables. That includes
// the partitions, because every statement reaches them through the tables.
func lockExclusive(ctx context.Context, tx pgx.Tx, l layout) error {
	only := "ONLY " + l.qualifier
	return lockTables(ctx, tx, lockTimeout, only+strings.Join(partitionedTables, ", "+only), "ACCESS EXCLUSIVE")
}

// lockTables locks tables, or fails when it has waited for that long.
func lockTables(ctx context.Context, tx pgx.Tx, wait, tables, mode string) error {
	_, err := tx.Exec(ctx, fmt.Sprintf("SET LOCAL lock_timeout = '%s'; LOCK TABLE %s IN %s MODE", wait, tables, mode))
	return err
}

// partitionSchedule decides when a store checks that the partitions exist.
type partitionSchedule struct {
	mu         sync.Mutex
	last, next time.Time // the last check, and the next one; a time before last is a check too
}

// partitionRetry is how long after a failure a store tries again to create partitions.
const partitionRetry = time.Hour

// ensurePartitions creates the partitions that are missing. It checks once in a month.
func (s *Store) ensurePartitions(ctx context.Context, now time.Time) error {
	schedule := &s.partitionSchedule
	schedule.mu.Lock()
	defer schedule.mu.Unlock()
	if !s.layout.partitioned || !now.Before(schedule.last) && now.Before(schedule.next) {
		return nil
	}
	err := s.retryCall(ctx, "make months", func(ctx context.Context) error {
		return pgx.BeginTxFunc(ctx, s.pool, readCommitted, func(tx pgx.Tx) error { return createPartitions(ctx, tx, s.layout, now) })
	})
	schedule.last, schedule.next = now, monthOf(now).add(1).Time
	if err != nil {
		schedule.next = now.Add(partitionRetry)
	}
	return err
}

// readCommitted makes a transaction see the rows as they are after it has waited for a
// lock, whatever default_transaction_isolation is. Transactions that read many rows use it
// too.
var readCommitted = pgx.TxOptions{IsoLevel: pgx.ReadCommitted}

// ErrNotPartitioned is the error of [Store.DropMonths] for tables that are not partitioned.
var ErrNotPartitioned = errors.New("pgstore: the tables are not by months")
