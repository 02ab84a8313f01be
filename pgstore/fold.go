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

// Every batch appends what it changed of the statistics to the deltas, so that no two
// batches ever wait for one counter. To fold is to move deltas into the totals: one
// store at a time does so, whichever holds the lease, and what it has not come to yet
// is counted where it stands.

const (
	// foldEvery is how often a store that claims looks after the deltas.
	foldEvery = 10 * time.Second
	// foldLease is how long a store that folded has the task to itself. It must be
	// longer than foldEvery: one that goes on claiming goes on folding.
	foldLease = time.Minute
	// foldTimeout bounds a fold that runs by itself.
	foldTimeout = time.Minute
)

// foldState is when a store folds by itself.
type foldState struct {
	holder uuid.UUID // in the lease: this store

	mu   sync.Mutex
	busy bool
	last time.Time
}

// tryBegin reports whether it is time for a fold, which is then to end. The time is the
// claims': a store asks no clock.
func (f *foldState) tryBegin(now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.busy || !f.last.IsZero() && now.Sub(f.last) < foldEvery {
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

// maybeMaintain begins a fold beside the caller if it is time for one.
func (s *Store) maybeMaintain(now time.Time) {
	if !s.foldState.tryBegin(now) {
		return
	}
	s.background.start(func(ctx context.Context) {
		defer s.foldState.end()
		limited, cancel := context.WithTimeout(ctx, foldTimeout)
		defer cancel()
		folded, made := s.maintain(limited, now)
		if ctx.Err() != nil {
			return
		}
		if folded != nil {
			s.options.Logger.LogAttrs(ctx, slog.LevelWarn, "pgstore: statistics were not folded; they get slower, and stay right",
				slog.Any("error", folded))
		}
		if made != nil {
			s.options.Logger.LogAttrs(ctx, slog.LevelWarn,
				"pgstore: the months to come were not made; messages of one that is missing go to the default partition",
				slog.Any("error", made))
		}
	})
}

// Maintain does what only one store on a schema needs to do, unless another one is at
// it: it folds the statistics' deltas, and where the tables are by months it makes this
// one and the next two. A store does so by itself, now and then, while it is asked to
// Claim, so call it only where no dispatcher runs. Not to fold makes statistics slow,
// and never wrong; what no month is made for is kept all the same, and is not dropped
// with one. Now is the time; an error has undone nothing but its own step.
func (s *Store) Maintain(ctx context.Context, now time.Time) error {
	return errors.Join(s.maintain(ctx, now))
}

func (s *Store) maintain(ctx context.Context, now time.Time) (folded, made error) {
	mine := false
	folded = s.retry(ctx, "maintain", func(ctx context.Context) error {
		tag, err := s.pool.Exec(ctx, s.statements.lease, "fold", s.foldState.holder, now, now.Add(foldLease))
		mine = tag.RowsAffected() > 0
		return err
	})
	if !mine {
		return folded, nil
	}
	made = s.ensurePartitions(ctx, now)
	for n := foldBatch; folded == nil && n == foldBatch; {
		folded = s.retry(ctx, "maintain", func(ctx context.Context) (err error) {
			n, err = s.fold(ctx)
			return err
		})
	}
	return folded, made
}

// foldBatch is how many deltas one transaction folds.
const foldBatch = 5000

// fold moves a batch of deltas into the totals and returns how many they were. It is
// right, if a waste, when two stores do it at a time.
func (s *Store) fold(ctx context.Context) (n int, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if s.layout.partitioned { // who drops a month has this row until it is done
			_, err := tx.Exec(ctx, s.layout.render("share_fold_lease", params{}))
			if err != nil {
				return err
			}
		}
		rows, err := tx.Query(ctx, s.statements.takeDeltas.text(foldBatch))
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

// totals are rows of the table of totals.
type totals map[totalKey]*smsplus.TemplateStats

type totalKey struct {
	channel  string // or "" for the messages themselves
	span     int16
	start    int32
	tab      int16
	template string
}

// add counts n messages as the delta says.
func (ts totals) add(d deltaKey, n int) error {
	m, err := decodeTally(d.tally)
	if err != nil {
		return err
	}
	subjects := []string{""}
	for i := range m.Attempts {
		if c := string(m.Attempts[i].Channel); !slices.Contains(subjects, c) {
			subjects = append(subjects, c)
		}
	}
	for _, c := range subjects {
		s := templateStats(m, channel.Name(c), n)
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

// columnArrays returns the rows as addTotalsSQL takes them: what a row is of, and its
// counts. They are in the order of the primary key, as every fold adds them.
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
		columns             [7][]int32
	)
	for _, row := range rows {
		channels, spans, starts = append(channels, row.channel), append(spans, row.span), append(starts, row.start)
		tabs, templates = append(tabs, row.tab), append(templates, row.template)
		for i, count := range countFields(ts[row])[:len(columns)] {
			columns[i] = append(columns[i], int32(*count))
		}
	}
	for _, c := range columns {
		sums = append(sums, c)
	}
	return []any{channels, spans, starts, tabs, templates}, sums
}
