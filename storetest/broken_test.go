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

// broken is the model with some of its calls replaced.
type broken struct {
	insert       func(context.Context, []smsplus.Message) (map[string]smsplus.Message, error)
	claim        func(context.Context, smsplus.Claim) (smsplus.Claimed, error)
	update       func(context.Context, []smsplus.Message) ([]uuid.UUID, error)
	message      func(context.Context, uuid.UUID) (smsplus.Message, error)
	byProviderID func(context.Context, []channel.Ref) ([]smsplus.Message, error)
	park         func(context.Context, []channel.Receipt) error
	parked       func(context.Context, []channel.Ref) ([]channel.Receipt, error)
	unpark       func(context.Context, []channel.Ref) error
	records      func(context.Context, smsplus.Filter) (smsplus.Page, error)
	stats        func(context.Context, smsplus.Filter) ([]smsplus.TemplateStats, error)
	purge        func(context.Context, time.Time, int) (int, error)
}

func breakModel(by func(m *model, b *broken)) smsplus.Store {
	m := newModel()
	b := &broken{
		m.Insert, m.Claim, m.Update, m.Message, m.ByProviderID, m.Park, m.Parked, m.Unpark, m.Records, m.Stats, m.Purge,
	}
	by(m, b)
	return b
}

func (b *broken) Insert(ctx context.Context, ms []smsplus.Message) (map[string]smsplus.Message, error) {
	return b.insert(ctx, ms)
}

func (b *broken) Claim(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
	return b.claim(ctx, c)
}

func (b *broken) Update(ctx context.Context, ms []smsplus.Message) ([]uuid.UUID, error) {
	return b.update(ctx, ms)
}

func (b *broken) Message(ctx context.Context, id uuid.UUID) (smsplus.Message, error) {
	return b.message(ctx, id)
}

func (b *broken) ByProviderID(ctx context.Context, refs []channel.Ref) ([]smsplus.Message, error) {
	return b.byProviderID(ctx, refs)
}

func (b *broken) Park(ctx context.Context, rs []channel.Receipt) error { return b.park(ctx, rs) }

func (b *broken) Parked(ctx context.Context, refs []channel.Ref) ([]channel.Receipt, error) {
	return b.parked(ctx, refs)
}

func (b *broken) Unpark(ctx context.Context, refs []channel.Ref) error { return b.unpark(ctx, refs) }

func (b *broken) Records(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
	return b.records(ctx, f)
}

func (b *broken) Stats(ctx context.Context, f smsplus.Filter) ([]smsplus.TemplateStats, error) {
	return b.stats(ctx, f)
}

func (b *broken) Purge(ctx context.Context, before time.Time, limit int) (int, error) {
	return b.purge(ctx, before, limit)
}

func (b *broken) Close() error { return nil }

// in spoils messages on their way into the store.
func (b *broken) in(spoil func(*smsplus.Message)) {
	insert, update := b.insert, b.update
	b.insert = func(ctx context.Context, ms []smsplus.Message) (map[string]smsplus.Message, error) {
		return insert(ctx, spoiled(ms, spoil))
	}
	b.update = func(ctx context.Context, ms []smsplus.Message) ([]uuid.UUID, error) {
		return update(ctx, spoiled(ms, spoil))
	}
}

// inUpdate spoils messages on their way into Update, given what is stored of each.
func (b *broken) inUpdate(m *model, spoil func(m *smsplus.Message, stored smsplus.Message)) {
	update := b.update
	b.update = func(ctx context.Context, ms []smsplus.Message) ([]uuid.UUID, error) {
		return update(ctx, spoiled(ms, func(msg *smsplus.Message) {
			m.mu.Lock()
			defer m.mu.Unlock()
			if stored, ok := m.messages[msg.ID]; ok {
				spoil(msg, stored)
			}
		}))
	}
}

// out spoils messages on their way out of Message.
func (b *broken) out(spoil func(*smsplus.Message)) {
	message := b.message
	b.message = func(ctx context.Context, id uuid.UUID) (smsplus.Message, error) {
		m, err := message(ctx, id)
		if err == nil {
			spoil(&m)
		}
		return m, err
	}
}

// listed spoils a filter on its way into Records and Stats.
func (b *broken) listed(spoil func(*smsplus.Filter)) {
	records, stats := b.records, b.stats
	b.records = func(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
		spoil(&f)
		return records(ctx, f)
	}
	b.stats = func(ctx context.Context, f smsplus.Filter) ([]smsplus.TemplateStats, error) {
		spoil(&f)
		return stats(ctx, f)
	}
}

// selects gives Records and Stats another idea of what a filter matches.
func (b *broken) selects(m *model, match func(smsplus.Filter, smsplus.Message) bool) {
	b.records = func(_ context.Context, f smsplus.Filter) (smsplus.Page, error) {
		m.mu.Lock()
		defer m.mu.Unlock()
		ms := m.list(func(msg smsplus.Message) bool { return match(f, msg) })
		slices.SortFunc(ms, newestFirst)
		return smsplus.Page{Messages: clones(ms)}, nil
	}
	b.stats = func(_ context.Context, f smsplus.Filter) ([]smsplus.TemplateStats, error) {
		m.mu.Lock()
		defer m.mu.Unlock()
		return recount(m.list(func(msg smsplus.Message) bool { return match(f, msg) }), f.Channel), nil
	}
}

// counted spoils the rows of statistics.
func (b *broken) counted(spoil func(*smsplus.TemplateStats)) {
	stats := b.stats
	b.stats = func(ctx context.Context, f smsplus.Filter) ([]smsplus.TemplateStats, error) {
		rows, err := stats(ctx, f)
		for i := range rows {
			spoil(&rows[i])
		}
		return rows, err
	}
}

// claims spoils what Claim leased, and may change what is stored of it.
func (b *broken) claims(
	m *model, spoil func(c smsplus.Claim, before map[uuid.UUID]smsplus.Message, got *smsplus.Claimed),
) {
	claim := b.claim
	b.claim = func(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
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

func spoiled(ms []smsplus.Message, spoil func(*smsplus.Message)) []smsplus.Message {
	ms = clones(slices.Clone(ms))
	for i := range ms {
		spoil(&ms[i])
	}
	return ms
}

// dawdle lets other goroutines in where a careless store would be interrupted.
func dawdle() {
	for range 50 {
		runtime.Gosched()
	}
}

// rowLocks are taken one by one, as a database locks rows. A lock that does not
// come is an error, as a deadlock is to a database.
type rowLocks struct{ rows sync.Map }

func (l *rowLocks) in(order []string, do func() error) error {
	for _, row := range order {
		mu, _ := l.rows.LoadOrStore(row, &sync.Mutex{})
		for tries := 0; !mu.(*sync.Mutex).TryLock(); tries++ {
			if tries == 1_000 {
				return errors.New("deadlock detected")
			}
			runtime.Gosched()
		}
		defer mu.(*sync.Mutex).Unlock()
		dawdle()
	}
	return do()
}

// mutant is a way to break a store, and the rules that catch it.
type mutant struct {
	name   string
	breaks func(m *model, b *broken)
	caught []string
}

var mutants = slices.Concat(
	brokenMessages, brokenInserts, brokenClaims, brokenUpdates,
	brokenReceipts, brokenRecords, brokenStats, brokenPurges,
)
