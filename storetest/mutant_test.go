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

// brokenStore is a Model whose methods a mutant may replace.
type brokenStore struct {
	insertFunc       func(context.Context, []smsplus.Message) (map[string]smsplus.Message, error)
	claimFunc        func(context.Context, smsplus.Claim) (smsplus.Claimed, error)
	setAsideFunc     func(context.Context, []smsplus.Unreadable, time.Time) error
	updateFunc       func(context.Context, []smsplus.Message) ([]uuid.UUID, error)
	messageFunc      func(context.Context, uuid.UUID) (smsplus.Message, error)
	byProviderIDFunc func(context.Context, []channel.Ref) ([]smsplus.Message, error)
	parkFunc         func(context.Context, []channel.Receipt) error
	parkedFunc       func(context.Context, []channel.Ref) ([]channel.Receipt, error)
	listParkedFunc   func(context.Context, string, int) ([]channel.Receipt, string, error)
	unparkFunc       func(context.Context, []channel.Ref) error
	recordsFunc      func(context.Context, smsplus.Filter) (smsplus.Page, error)
	statsFunc        func(context.Context, smsplus.Filter) ([]smsplus.TemplateStats, error)
	statsByFunc      func(context.Context, smsplus.Filter, smsplus.Grouping) ([]smsplus.GroupStats, error)
	purgeFunc        func(context.Context, time.Time, int) (int, error)
	damageFunc       func(context.Context, uuid.UUID) error
	eraseFunc        func(context.Context, channel.Recipient) (int, error)
	setPauseFunc     func(context.Context, smsplus.Pause) error
	clearPauseFunc   func(context.Context, smsplus.Pause) error
	pausesFunc       func(context.Context) ([]smsplus.Pause, error)
	beatFunc         func(context.Context, smsplus.Heartbeat) error
	heartbeatsFunc   func(context.Context, time.Time) ([]smsplus.Heartbeat, error)
	backlogFunc      func(context.Context, time.Time) ([]smsplus.LaneBacklog, error)
	changesFunc      func(context.Context, string, int) (smsplus.ChangePage, error)
}

func newBrokenStore(by func(m *Model, b *brokenStore)) smsplus.Store {
	m := NewModel()
	b := &brokenStore{
		m.Insert, m.Claim, m.SetAside, m.Update, m.Message, m.ByProviderID,
		m.Park, m.Parked, m.ListParked, m.Unpark, m.Records, m.Stats, m.StatsBy, m.Purge, m.Damage, m.Erase,
		m.SetPause, m.ClearPause, m.Pauses, m.Beat, m.Heartbeats, m.Backlog, m.Changes,
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

func (b *brokenStore) SetAside(ctx context.Context, rows []smsplus.Unreadable, until time.Time) error {
	return b.setAsideFunc(ctx, rows, until)
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

func (b *brokenStore) ListParked(ctx context.Context, after string, limit int) ([]channel.Receipt, string, error) {
	return b.listParkedFunc(ctx, after, limit)
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

func (b *brokenStore) StatsBy(ctx context.Context, f smsplus.Filter, g smsplus.Grouping) ([]smsplus.GroupStats, error) {
	return b.statsByFunc(ctx, f, g)
}

func (b *brokenStore) Purge(ctx context.Context, before time.Time, limit int) (int, error) {
	return b.purgeFunc(ctx, before, limit)
}

func (b *brokenStore) Erase(ctx context.Context, person channel.Recipient) (int, error) {
	return b.eraseFunc(ctx, person)
}

func (b *brokenStore) SetPause(ctx context.Context, p smsplus.Pause) error {
	return b.setPauseFunc(ctx, p)
}

func (b *brokenStore) ClearPause(ctx context.Context, p smsplus.Pause) error {
	return b.clearPauseFunc(ctx, p)
}

func (b *brokenStore) Pauses(ctx context.Context) ([]smsplus.Pause, error) {
	return b.pausesFunc(ctx)
}

func (b *brokenStore) Beat(ctx context.Context, h smsplus.Heartbeat) error {
	return b.beatFunc(ctx, h)
}

func (b *brokenStore) Heartbeats(ctx context.Context, now time.Time) ([]smsplus.Heartbeat, error) {
	return b.heartbeatsFunc(ctx, now)
}

func (b *brokenStore) Backlog(ctx context.Context, now time.Time) ([]smsplus.LaneBacklog, error) {
	return b.backlogFunc(ctx, now)
}

func (b *brokenStore) Changes(ctx context.Context, after string, limit int) (smsplus.ChangePage, error) {
	return b.changesFunc(ctx, after, limit)
}

func (b *brokenStore) Close() error { return nil }

func (b *brokenStore) Damage(ctx context.Context, id uuid.UUID) error { return b.damageFunc(ctx, id) }

// changeClaims changes the arguments of Claim.
func (b *brokenStore) changeClaims(change func(*smsplus.Claim)) {
	claim := b.claimFunc
	b.claimFunc = func(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
		change(&c)
		return claim(ctx, c)
	}
}

// corruptStored changes the messages that the store holds after each call of Update or
// SetAside. The change sees the message as it was stored before.
func (b *brokenStore) corruptStored(m *Model, change func(m *smsplus.Message, before smsplus.Message)) {
	corrupt := func(call func()) {
		m.mu.Lock()
		before := maps.Clone(m.messages)
		m.mu.Unlock()
		call()
		m.mu.Lock()
		defer m.mu.Unlock()
		for id, after := range m.messages {
			if old, ok := before[id]; ok && old.Version != after.Version {
				change(&after, old)
				m.messages[id] = after
			}
		}
	}
	update, setAside := b.updateFunc, b.setAsideFunc
	b.updateFunc = func(ctx context.Context, ms []smsplus.Message) (stale []uuid.UUID, err error) {
		corrupt(func() { stale, err = update(ctx, ms) })
		return stale, err
	}
	b.setAsideFunc = func(ctx context.Context, rows []smsplus.Unreadable, until time.Time) (err error) {
		corrupt(func() { err = setAside(ctx, rows, until) })
		return err
	}
}

// corruptWrites changes the messages that are passed to Insert and Update.
func (b *brokenStore) corruptWrites(change func(*smsplus.Message)) {
	insert, update := b.insertFunc, b.updateFunc
	b.insertFunc = func(ctx context.Context, ms []smsplus.Message) (map[string]smsplus.Message, error) {
		return insert(ctx, corrupted(ms, change))
	}
	b.updateFunc = func(ctx context.Context, ms []smsplus.Message) ([]uuid.UUID, error) {
		return update(ctx, corrupted(ms, change))
	}
}

// corruptUpdates changes the messages that are passed to Update. The change sees the stored message.
func (b *brokenStore) corruptUpdates(m *Model, change func(m *smsplus.Message, stored smsplus.Message)) {
	update := b.updateFunc
	b.updateFunc = func(ctx context.Context, ms []smsplus.Message) ([]uuid.UUID, error) {
		return update(ctx, corrupted(ms, func(msg *smsplus.Message) {
			m.mu.Lock()
			defer m.mu.Unlock()
			if stored, ok := m.messages[msg.ID]; ok {
				change(msg, stored)
			}
		}))
	}
}

// corruptMessage changes the messages that Message returns.
func (b *brokenStore) corruptMessage(change func(*smsplus.Message)) {
	message := b.messageFunc
	b.messageFunc = func(ctx context.Context, id uuid.UUID) (smsplus.Message, error) {
		m, err := message(ctx, id)
		if err == nil {
			change(&m)
		}
		return m, err
	}
}

// changeFilters changes the filters that are passed to Records and Stats.
func (b *brokenStore) changeFilters(change func(*smsplus.Filter)) {
	records, stats := b.recordsFunc, b.statsFunc
	b.recordsFunc = func(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
		change(&f)
		return records(ctx, f)
	}
	b.statsFunc = func(ctx context.Context, f smsplus.Filter) ([]smsplus.TemplateStats, error) {
		change(&f)
		return stats(ctx, f)
	}
}

// replaceMatch replaces Filter.Match in Records and Stats.
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
		return statsOf(m.messagesWhere(func(msg smsplus.Message) bool { return match(f, msg) }), f), nil
	}
}

// corruptStats changes the rows that Stats returns.
func (b *brokenStore) corruptStats(change func(*smsplus.TemplateStats)) {
	stats := b.statsFunc
	b.statsFunc = func(ctx context.Context, f smsplus.Filter) ([]smsplus.TemplateStats, error) {
		rows, err := stats(ctx, f)
		for i := range rows {
			change(&rows[i])
		}
		return rows, err
	}
}

// changeGroupings changes the arguments of StatsBy.
func (b *brokenStore) changeGroupings(change func(*smsplus.Filter, *smsplus.Grouping)) {
	statsBy := b.statsByFunc
	b.statsByFunc = func(ctx context.Context, f smsplus.Filter, g smsplus.Grouping) ([]smsplus.GroupStats, error) {
		change(&f, &g)
		return statsBy(ctx, f, g)
	}
}

// corruptClaims changes the result of Claim. The change may also write to the model, whose lock
// is held.
func (b *brokenStore) corruptClaims(
	m *Model, change func(c smsplus.Claim, before map[uuid.UUID]smsplus.Message, got *smsplus.Claimed),
) {
	claim := b.claimFunc
	b.claimFunc = func(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
		m.mu.Lock()
		before := maps.Clone(m.messages)
		m.mu.Unlock()
		got, err := claim(ctx, c)
		m.mu.Lock()
		defer m.mu.Unlock()
		change(c, before, &got)
		return got, err
	}
}

// corrupted returns changed copies of the messages.
func corrupted(ms []smsplus.Message, change func(*smsplus.Message)) []smsplus.Message {
	ms = cloneAll(slices.Clone(ms))
	for i := range ms {
		change(&ms[i])
	}
	return ms
}

// yieldOften lets other goroutines run, where a store without a lock could be interrupted.
func yieldOften() {
	for range 50 {
		runtime.Gosched()
	}
}

// rowLocks lock rows one after another, as a database does. Waiting too long for a lock is
// an error, as a deadlock is in a database.
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

// mutant changes a correct store into a broken one. At least the rules in caughtBy fail for it.
type mutant struct {
	name     string
	mutate   func(m *Model, b *brokenStore)
	caughtBy []string
}

var mutants = slices.Concat(
	messageMutants, insertMutants, claimMutants, updateMutants,
	setAsideMutants, receiptMutants, listParkedMutants, recordsMutants, statsMutants, statsByMutants, purgeMutants, selectionMutants,
	recipientMutants, unreadableMutants,
	operationsMutants, changesMutants,
)
