package pgstore

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
)

// Each batch appends its changes of the statistics to the table of deltas, so that batches
// never wait for each other's counters. To fold is to move deltas into the totals. One
// store folds at any time, the holder of the lease on the task "fold". Statistics add up
// the totals and the deltas that are not folded yet.

const (
	// foldEvery is the interval at which a store that claims also folds.
	foldEvery = 10 * time.Second
	// foldLease is how long the lease of a store that folded lasts. It is longer than
	// foldEvery, so that a store that continues to claim keeps the lease.
	foldLease = time.Minute
	// foldTimeout is the deadline of maintenance in the background.
	foldTimeout = time.Minute
)

// foldState decides when a store folds in the background.
type foldState struct {
	holder uuid.UUID // this store, as the holder of the lease

	mu   sync.Mutex
	busy bool
	last time.Time
}

// tryBegin reports whether a fold is due. If so, the caller must call end after it. The
// time is that of the claims, because a store has no clock.
func (f *foldState) tryBegin(now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	since := now.Sub(f.last) // negative if the clock was ahead
	if f.busy || !f.last.IsZero() && since >= 0 && since < foldEvery {
		return false
	}
	f.busy, f.last = true, now
	return true
}

func (f *foldState) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.busy = false
}

// maybeMaintain starts maintenance in the background if a fold is due.
func (s *Store) maybeMaintain(now time.Time) {
	if !s.foldState.tryBegin(now) {
		return
	}
	s.background.startTask(func(ctx context.Context) {
		defer s.foldState.end()
		bounded, cancel := context.WithTimeout(ctx, foldTimeout)
		defer cancel()
		foldErr, partitionErr := s.maintainTables(bounded, now)
		if ctx.Err() != nil {
			return
		}
		if foldErr != nil {
			s.options.Logger.LogAttrs(ctx, slog.LevelWarn, "pgstore: statistics were not folded; they get slower, and stay right",
				slog.Any("error", foldErr))
		}
		if partitionErr != nil {
			s.options.Logger.LogAttrs(ctx, slog.LevelWarn,
				"pgstore: the months to come were not made; messages of one that is missing go to the default partition",
				slog.Any("error", partitionErr))
		}
	})
}

// Maintain does the work that one store on a schema does for all, unless another store is
// doing it. It folds the deltas of the statistics into the totals. If the tables are
// partitioned, it creates the partitions of the current month and of the next two.
//
// A store that is asked to Claim does this by itself from time to time, so call Maintain
// only where no dispatcher runs. Without it statistics become slow, but stay right.
// Messages of a month without a partition are stored in the default partition, which
// [Store.DropMonths] does not drop.
//
// An error leaves the steps before it done.
func (s *Store) Maintain(ctx context.Context, now time.Time) error {
	return errors.Join(s.maintainTables(ctx, now))
}

// maintainTables is Maintain with the errors of its two parts.
func (s *Store) maintainTables(ctx context.Context, now time.Time) (foldErr, partitionErr error) {
	leased := false
	foldErr = s.retryCall(ctx, "maintain", func(ctx context.Context) error {
		tag, err := s.pool.Exec(ctx, s.statements.lease, "fold", s.foldState.holder, now, now.Add(foldLease), now.Add(2*foldLease))
		leased = tag.RowsAffected() > 0
		return err
	})
	if !leased {
		return foldErr, nil
	}
	partitionErr = s.ensurePartitions(ctx, now)
	for n := foldBatch; foldErr == nil && n == foldBatch; {
		foldErr = s.retryCall(ctx, "maintain", func(ctx context.Context) (err error) {
			n, err = s.foldDeltas(ctx)
			return err
		})
	}
	return foldErr, partitionErr
}

// foldBatch is the number of deltas that one transaction folds.
const foldBatch = 5000

// foldDeltas moves a batch of deltas into the totals and returns their number. Two stores may
// fold concurrently: the result is right, but some of the work is wasted.
func (s *Store) foldDeltas(ctx context.Context) (n int, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if s.layout.partitioned { // a transaction that drops a month locks this row until it ends
			_, err := tx.Exec(ctx, s.layout.render("share_fold_lease", params{}))
			if err != nil {
				return err
			}
		}
		rows, err := tx.Query(ctx, s.statements.takeDeltas.textWithLimit(foldBatch))
		if err != nil {
			return err
		}
		totals := totals{}
		var d deltaKey
		var count int
		tag, err := pgx.ForEachRow(rows, []any{&d.hour, &d.template, &d.tally, &count}, func() error {
			return totals.add(d, count)
		})
		if err != nil {
			return err
		}
		if n = int(tag.RowsAffected()); n == 0 {
			return nil
		}
		keys, sums := totals.columnArrays()
		if _, err := tx.Exec(ctx, s.statements.addTotals, append(keys, sums...)...); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, s.statements.deleteZeroTotals, keys...)
		return err
	})
	return n, err
}

// totals are counts to add to rows of smsplus_total.
type totals map[totalKey]*smsplus.TemplateStats

// totalKey is the primary key of a row of smsplus_total.
type totalKey struct {
	channel  string // a channel, whose attempts are counted, or "" for messages
	span     int16
	start    int32
	tab      int16
	template string
}

// add adds n messages of the delta to all totals that count them.
func (ts totals) add(d deltaKey, n int) error {
	if n == 0 {
		return nil // it only marks the hour: see sheet.go
	}
	m, err := decodeTally(d.tally)
	if err != nil {
		return err
	}
	channels := []string{""}
	for i := range m.Attempts {
		if c := string(m.Attempts[i].Channel); !slices.Contains(channels, c) {
			channels = append(channels, c)
		}
	}
	for _, c := range channels {
		var s smsplus.TemplateStats
		s.AddMultiple(&m, smsplus.Filter{Channel: channel.Name(c)}, n)
		for _, span := range spans {
			key := totalKey{c, int16(span), spanIndex(d.hour, span), int16(m.Status.Group()), d.template}
			if ts[key] == nil {
				ts[key] = &smsplus.TemplateStats{}
			}
			*ts[key] = ts[key].Plus(s)
		}
	}
	return nil
}

// columnArrays returns the keys and the counts as sql/add_totals.sql takes them: an array
// for each column. The rows are in the order of the primary key, so that concurrent folds
// cannot deadlock.
func (ts totals) columnArrays() (keys, sums []any) {
	rows := slices.SortedFunc(maps.Keys(ts), func(a, b totalKey) int {
		return cmp.Or(
			strings.Compare(a.channel, b.channel), cmp.Compare(a.span, b.span), cmp.Compare(a.start, b.start),
			cmp.Compare(a.tab, b.tab), strings.Compare(a.template, b.template),
		)
	})
	var (
		channels, templates []string
		spans, tabs         []int16
		starts              []int32
		columns             [7][]int64
	)
	for _, row := range rows {
		channels, spans, starts = append(channels, row.channel), append(spans, row.span), append(starts, row.start)
		tabs, templates = append(tabs, row.tab), append(templates, row.template)
		for i, count := range countFields(ts[row])[:len(columns)] {
			columns[i] = append(columns[i], int64(*count))
		}
	}
	for _, c := range columns {
		sums = append(sums, c)
	}
	return []any{channels, spans, starts, tabs, templates}, sums
}
