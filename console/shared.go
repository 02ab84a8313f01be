package console

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/time/rate"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
)

// sharedStore answers the queries of all live updates. Equal queries have one answer for a
// while, and queries of the store are spaced. So their rate does not grow with the number of
// people and pages.
type sharedStore struct {
	smsplus.Store

	clock   smsplus.Clock
	timeout time.Duration // of a query
	spacing *rate.Limiter

	mu      sync.Mutex
	answers map[any]*answer // by the query
}

// answer is what a query returned, or will.
type answer struct {
	ready chan struct{} // closed when the answer is there
	at    time.Time     // when it came; zero before
	value any
	err   error
}

const (
	// maxQueries is the most queries that live updates make in a second.
	maxQueries = 4
	// answerLife is how long an answer is given to others.
	answerLife = liveInterval
)

func newSharedStore(store smsplus.Store, clock smsplus.Clock, timeout time.Duration) *sharedStore {
	return &sharedStore{
		Store: store, clock: clock, timeout: timeout, spacing: rate.NewLimiter(maxQueries, 1), answers: map[any]*answer{},
	}
}

// errAbandoned is the answer to a query whose caller left before it was made.
var errAbandoned = errors.New("console: the caller left")

// ask returns the answer to a query that has the key. The first of equal callers makes the
// query, and the others wait for it. If it leaves before, the next one makes it.
func ask[T any](ctx context.Context, s *sharedStore, key any, query func(context.Context) (T, error)) (T, error) {
	for {
		s.mu.Lock()
		a, ok := s.answers[key]
		if !ok || !a.at.IsZero() && s.clock.Now().Sub(a.at) >= answerLife {
			s.dropOld()
			a = &answer{ready: make(chan struct{})}
			s.answers[key] = a
			s.mu.Unlock()
			s.fill(ctx, key, a, func(ctx context.Context) (any, error) { return query(ctx) })
		} else {
			s.mu.Unlock()
		}
		var none T
		select {
		case <-a.ready:
		case <-ctx.Done():
			return none, ctx.Err()
		}
		if errors.Is(a.err, errAbandoned) {
			if ctx.Err() != nil {
				return none, ctx.Err()
			}
			continue
		}
		value, _ := a.value.(T) // none with an error
		return value, a.err
	}
}

// dropOld drops the answers that are given to none any more. The caller holds the lock.
func (s *sharedStore) dropOld() {
	now := s.clock.Now()
	for key, a := range s.answers {
		if !a.at.IsZero() && now.Sub(a.at) >= answerLife {
			delete(s.answers, key)
		}
	}
}

// fill makes a query when its turn comes. An error is an answer too: a store that is down
// is not asked more often.
func (s *sharedStore) fill(ctx context.Context, key any, a *answer, query func(context.Context) (any, error)) {
	value, err := any(nil), errAbandoned
	defer func() { // also after a panic
		s.mu.Lock()
		defer s.mu.Unlock()
		a.value, a.err, a.at = value, err, s.clock.Now()
		if errors.Is(err, errAbandoned) {
			delete(s.answers, key)
		}
		close(a.ready)
	}()
	turn := s.spacing.ReserveN(s.clock.Now(), 1)
	if wait := turn.DelayFrom(s.clock.Now()); wait > 0 {
		select {
		case <-s.clock.After(wait):
		case <-ctx.Done():
			turn.CancelAt(s.clock.Now())
			return
		}
	}
	queryCtx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	value, err = query(queryCtx)
	err = withCause(queryCtx, err)
	if err != nil && ctx.Err() != nil {
		err = errAbandoned
	}
}

// filterKey is the key of a query that takes a filter. Its times have no location, so that
// the same instant is the same key.
type filterKey struct {
	method   string
	filter   smsplus.Filter
	grouping smsplus.Grouping
	zone     string
}

func newFilterKey(method string, f smsplus.Filter, g smsplus.Grouping) filterKey {
	f.From, f.To = f.From.Round(0).UTC(), f.To.Round(0).UTC()
	k := filterKey{method: method, filter: f, grouping: g}
	if g.Zone != nil { // zones that are loaded twice are equal, but not the same
		_, offset := f.From.In(g.Zone).Zone()
		k.zone, k.grouping.Zone = fmt.Sprint(g.Zone, offset), nil
	}
	return k
}

// Records answers like the store's method.
func (s *sharedStore) Records(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
	return ask(ctx, s, newFilterKey("records", f, smsplus.Grouping{}), func(ctx context.Context) (smsplus.Page, error) {
		return s.Store.Records(ctx, f)
	})
}

// Stats answers like the store's method.
func (s *sharedStore) Stats(ctx context.Context, f smsplus.Filter) ([]smsplus.TemplateStats, error) {
	return ask(ctx, s, newFilterKey("stats", f, smsplus.Grouping{}), func(ctx context.Context) ([]smsplus.TemplateStats, error) {
		return s.Store.Stats(ctx, f)
	})
}

// StatsBy answers like the store's method.
func (s *sharedStore) StatsBy(ctx context.Context, f smsplus.Filter, g smsplus.Grouping) ([]smsplus.GroupStats, error) {
	return ask(ctx, s, newFilterKey("stats by", f, g), func(ctx context.Context) ([]smsplus.GroupStats, error) {
		return s.Store.StatsBy(ctx, f, g)
	})
}

// Message answers like the store's method.
func (s *sharedStore) Message(ctx context.Context, id uuid.UUID) (smsplus.Message, error) {
	return ask(ctx, s, id, func(ctx context.Context) (smsplus.Message, error) { return s.Store.Message(ctx, id) })
}

// textKey is the key of a query with arguments that are no key themselves.
type textKey struct{ method, text string }

// parkedList is what ListParked returns.
type parkedList struct {
	receipts []channel.Receipt
	next     string
}

// ListParked answers like the store's method.
func (s *sharedStore) ListParked(ctx context.Context, after string, limit int) ([]channel.Receipt, string, error) {
	page, err := ask(ctx, s, textKey{"list parked", fmt.Sprint(limit, " ", after)}, func(ctx context.Context) (p parkedList, err error) {
		p.receipts, p.next, err = s.Store.ListParked(ctx, after, limit)
		return p, err
	})
	return page.receipts, page.next, err
}

// Pauses answers like the store's method.
func (s *sharedStore) Pauses(ctx context.Context) ([]smsplus.Pause, error) {
	return ask(ctx, s, textKey{method: "pauses"}, s.Store.Pauses)
}

// Heartbeats answers like the store's method, for a time that may be a little earlier.
func (s *sharedStore) Heartbeats(ctx context.Context, now time.Time) ([]smsplus.Heartbeat, error) {
	return ask(ctx, s, textKey{method: "heartbeats"}, func(ctx context.Context) ([]smsplus.Heartbeat, error) {
		return s.Store.Heartbeats(ctx, now)
	})
}

// Backlog answers like the store's method, for a time that may be a little earlier.
func (s *sharedStore) Backlog(ctx context.Context, now time.Time) ([]smsplus.LaneBacklog, error) {
	return ask(ctx, s, textKey{method: "backlog"}, func(ctx context.Context) ([]smsplus.LaneBacklog, error) {
		return s.Store.Backlog(ctx, now)
	})
}
