package storetest

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
)

// brokenStore is the model with some of its calls replaced.
type brokenStore struct {
	insertFunc       func(context.Context, []smsplus.Message) (map[string]smsplus.Message, error)
	claimFunc        func(context.Context, smsplus.Claim) (smsplus.Claimed, error)
	updateFunc       func(context.Context, []smsplus.Message) ([]uuid.UUID, error)
	messageFunc      func(context.Context, uuid.UUID) (smsplus.Message, error)
	byProviderIDFunc func(context.Context, []channel.Ref) ([]smsplus.Message, error)
	parkFunc         func(context.Context, []channel.Receipt) error
	parkedFunc       func(context.Context, []channel.Ref) ([]channel.Receipt, error)
	unparkFunc       func(context.Context, []channel.Ref) error
	recordsFunc      func(context.Context, smsplus.Filter) (smsplus.Page, error)
	statsFunc        func(context.Context, smsplus.Filter) ([]smsplus.TemplateStats, error)
	purgeFunc        func(context.Context, time.Time, int) (int, error)
}

func newBrokenStore(by func(m *Model, b *brokenStore)) smsplus.Store {
	m := NewModel()
	b := &brokenStore{
		m.Insert, m.Claim, m.Update, m.Message, m.ByProviderID, m.Park, m.Parked, m.Unpark, m.Records, m.Stats, m.Purge,
	}
	by(m, b)
	return b
}

func (b *brokenStore) Insert(ctx context.Context, ms []smsplus.Message) (map[string]smsplus.Message, error) {
	return b.insertFunc(ctx, ms)
}

func (b *brokenStore) Claim(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
	return b.claimFunc(ctx, c)
}

func (b *brokenStore) Update(ctx context.Context, ms []smsplus.Message) ([]uuid.UUID, error) {
	return b.updateFunc(ctx, ms)
}

func (b *brokenStore) Message(ctx context.Context, id uuid.UUID) (smsplus.Message, error) {
	return b.messageFunc(ctx, id)
}

func (b *brokenStore) ByProviderID(ctx context.Context, refs []channel.Ref) ([]smsplus.Message, error) {
	return b.byProviderIDFunc(ctx, refs)
}

func (b *brokenStore) Park(ctx context.Context, rs []channel.Receipt) error {
	return b.parkFunc(ctx, rs)
}

func (b *brokenStore) Parked(ctx context.Context, refs []channel.Ref) ([]channel.Receipt, error) {
	return b.parkedFunc(ctx, refs)
}

func (b *brokenStore) Unpark(ctx context.Context, refs []channel.Ref) error {
	return b.unparkFunc(ctx, refs)
}

func (b *brokenStore) Records(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
	return b.recordsFunc(ctx, f)
}

func (b *brokenStore) Stats(ctx context.Context, f smsplus.Filter) ([]smsplus.TemplateStats, error) {
	return b.statsFunc(ctx, f)
}

func (b *brokenStore) Purge(ctx context.Context, before time.Time, limit int) (int, error) {
	return b.purgeFunc(ctx, before, limit)
}

func (b *brokenStore) Close() error { return nil }

// corruptWrites spoils messages on their way into the store.
func (b *brokenStore) corruptWrites(spoil func(*smsplus.Message)) {
	insert, update := b.insertFunc, b.updateFunc
	b.insertFunc = func(ctx context.Context, ms []smsplus.Message) (map[string]smsplus.Message, error) {
		return insert(ctx, corrupted(ms, spoil))
	}
	b.updateFunc = func(ctx context.Context, ms []smsplus.Message) ([]uuid.UUID, error) {
		return update(ctx, corrupted(ms, spoil))
	}
}

// corruptUpdates spoils messages on their way into Update, given what is stored of each.
func (b *brokenStore) corruptUpdates(m *Model, spoil func(m *smsplus.Message, stored smsplus.Message)) {
	update := b.updateFunc
	b.updateFunc = func(ctx context.Context, ms []smsplus.Message) ([]uuid.UUID, error) {
		return update(ctx, corrupted(ms, func(msg *smsplus.Message) {
			m.mu.Lock()
			defer m.mu.Unlock()
			if stored, ok := m.messages[msg.ID]; ok {
				spoil(msg, stored)
			}
		}))
	}
}

// corruptMessage spoils messages on their way out of Message.
func (b *brokenStore) corruptMessage(spoil func(*smsplus.Message)) {
	message := b.messageFunc
	b.messageFunc = func(ctx context.Context, id uuid.UUID) (smsplus.Message, error) {
		m, err := message(ctx, id)
		if err == nil {
			spoil(&m)
		}
		return m, err
	}
}

// changeFilters spoils a filter on its way into Records and Stats.
func (b *brokenStore) changeFilters(spoil func(*smsplus.Filter)) {
	records, stats := b.recordsFunc, b.statsFunc
	b.recordsFunc = func(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
		spoil(&f)
		return records(ctx, f)
	}
	b.statsFunc = func(ctx context.Context, f smsplus.Filter) ([]smsplus.TemplateStats, error) {
		spoil(&f)
		return stats(ctx, f)
	}
}

// replaceMatch gives Records and Stats another idea of what a filter matches.
func (b *brokenStore) replaceMatch(m *Model, match func(smsplus.Filter, smsplus.Message) bool) {
	b.recordsFunc = func(_ context.Context, f smsplus.Filter) (smsplus.Page, error) {
		m.mu.Lock()
		defer m.mu.Unlock()
		ms := m.messagesWhere(func(msg smsplus.Message) bool { return match(f, msg) })
		slices.SortFunc(ms, newestFirst)
		return smsplus.Page{Messages: cloneAll(ms)}, nil
	}
	b.statsFunc = func(_ context.Context, f smsplus.Filter) ([]smsplus.TemplateStats, error) {
		m.mu.Lock()
		defer m.mu.Unlock()
		return statsOf(m.messagesWhere(func(msg smsplus.Message) bool { return match(f, msg) }), f.Channel), nil
	}
}

// corruptStats spoils the rows of statistics.
func (b *brokenStore) corruptStats(spoil func(*smsplus.TemplateStats)) {
	stats := b.statsFunc
	b.statsFunc = func(ctx context.Context, f smsplus.Filter) ([]smsplus.TemplateStats, error) {
		rows, err := stats(ctx, f)
		for i := range rows {
			spoil(&rows[i])
		}
		return rows, err
	}
}

// corruptClaims spoils what Claim leased, and may change what is stored of it.
func (b *brokenStore) corruptClaims(
	m *Model, spoil func(c smsplus.Claim, before map[uuid.UUID]smsplus.Message, got *smsplus.Claimed),
) {
	claim := b.claimFunc
	b.claimFunc = func(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
		m.mu.Lock()
		before := maps.Clone(m.messages)
		m.mu.Unlock()
		got, err := claim(ctx, c)
		m.mu.Lock()
		defer m.mu.Unlock()
		spoil(c, before, &got)
		return got, err
	}
}

func corrupted(ms []smsplus.Message, spoil func(*smsplus.Message)) []smsplus.Message {
	ms = cloneAll(slices.Clone(ms))
	for i := range ms {
		spoil(&ms[i])
	}
	return ms
}

// yieldOften lets other goroutines in where a careless store would be interrupted.
func yieldOften() {
	for range 50 {
		runtime.Gosched()
	}
}

// rowLocks are taken one by one, as a database locks rows. A lock that does not
// come is an error, as a deadlock is to a database.
type rowLocks struct{ rows sync.Map }

func (l *rowLocks) withLocks(order []string, do func() error) error {
	for _, row := range order {
		mu, _ := l.rows.LoadOrStore(row, &sync.Mutex{})
		for tries := 0; !mu.(*sync.Mutex).TryLock(); tries++ {
			if tries == 1_000 {
				return errors.New("deadlock detected")
			}
			runtime.Gosched()
		}
		defer mu.(*sync.Mutex).Unlock()
		yieldOften()
	}
	return do()
}

// mutant is a way to break a store, and the rules that catch it.
type mutant struct {
	name     string
	mutate   func(m *Model, b *brokenStore)
	caughtBy []string
}

var mutants = slices.Concat(
	messageMutants, insertMutants, claimMutants, updateMutants,
	receiptMutants, recordsMutants, statsMutants, purgeMutants,
)
