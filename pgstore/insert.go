package pgstore

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/smsplus/smsplus-go/internal/rowcodec"
	"github.com/smsplus/smsplus-go/smsplus"
)

// Insert implements [smsplus.Store].
func (s *Store) Insert(ctx context.Context, ms []smsplus.Message) (taken map[string]smsplus.Message, err error) {
	b, err := s.newInsertion(ms)
	if err != nil {
		return nil, fmt.Errorf("pgstore: insert: %w", err)
	}
	defer s.reuse(b.news, b.attempts)
	err = s.do(ctx, "insert", func(ctx context.Context) error {
		conn, err := s.acquire(ctx)
		if err != nil {
			return err
		}
		defer conn.Release()
		return untilSeen(func() error {
			taken, err = s.insertOnce(ctx, conn, b)
			return err
		})
	})
	if err != nil || len(taken) > 0 {
		return taken, err
	}
	if s.o.Notify && leaves(ms) {
		s.hints.soon()
	}
	for number, r := range b.newRoutes {
		s.routes.add(number, r.route)
	}
	return nil, nil
}

// InsertTx inserts messages in a transaction of the application's own: they are there
// if, and only if, it commits. The messages come from Dispatcher.Prepare.
//
//	m, err := d.Prepare(trigger)
//	taken, err := store.InsertTx(ctx, tx, m)
//
// As with Insert, nothing is added if a key is taken, and taken says by whom: that
// is the message which the trigger asked for before or, if it is for somebody else, a
// key that was used twice. The transaction is of use after an error too, unless the
// connection is lost. Between a transaction's InsertTx and its end, others that insert
// one of its keys wait.
//
// No dispatcher is told of the messages: one finds them within its Config.Poll after
// the commit.
func (s *Store) InsertTx(ctx context.Context, tx pgx.Tx, ms ...smsplus.Message) (taken map[string]smsplus.Message, err error) {
	b, err := s.newInsertion(ms)
	if err != nil {
		return nil, fmt.Errorf("pgstore: insert: %w", err)
	}
	defer s.reuse(b.news, b.attempts)
	err = untilSeen(func() error {
		return pgx.BeginFunc(ctx, tx, func(savepoint pgx.Tx) (err error) {
			if err := s.introduce(ctx, savepoint.Conn()); err != nil {
				return err
			}
			taken, err = s.insertOnce(ctx, savepoint, b)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("pgstore: insert: %w", discreet(err))
	}
	return taken, nil
}

// untilSeen repeats an insert that failed because another one with its keys was first,
// which it could not see: the next time it does, and says who has them.
func untilSeen(insert func() error) (err error) {
	for range tries {
		if err = insert(); codeOf(err) != uniqueViolation {
			break
		}
	}
	return err
}

func (s *Store) insertOnce(ctx context.Context, db querier, b *insertion) (taken map[string]smsplus.Message, err error) {
	sql, args := b.query(s)
	holders, err := s.messages(ctx, db, sql, args...)
	if err != nil || len(holders) == 0 {
		return nil, err
	}
	taken = make(map[string]smsplus.Message, len(holders))
	for _, m := range holders {
		taken[m.Key] = m
	}
	return taken, nil
}

// insertion is a batch of messages as insertSQL takes it.
type insertion struct {
	keys []string // those that are not ""

	news     *tuples
	attempts *tuples

	deltas    map[delta]int32
	newRoutes map[int64]newRoute
}

func (s *Store) newInsertion(ms []smsplus.Message) (*insertion, error) {
	b := &insertion{news: newTuples(), attempts: newTuples(), deltas: map[delta]int32{}, newRoutes: map[int64]newRoute{}}
	numbers := map[string]*numbered{}
	for _, m := range inOrder(ms, func(a, b *smsplus.Message) int { return strings.Compare(a.Key, b.Key) }) {
		if err := b.add(s, m, numbers); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// inOrder returns the messages by what the rows or keys are locked by: two batches
// that lock the same ones in different orders would wait for each other for ever.
func inOrder(ms []smsplus.Message, compare func(a, b *smsplus.Message) int) []*smsplus.Message {
	list := make([]*smsplus.Message, len(ms))
	for i := range ms {
		list[i] = &ms[i]
	}
	slices.SortStableFunc(list, compare)
	return list
}

// numbered is a route and its number: most messages of a template have the same.
type numbered struct {
	route
	number int64
}

// newRoute is one that is not known to be stored.
type newRoute struct {
	route
	body []byte
}

func (b *insertion) add(s *Store, m *smsplus.Message, numbers map[string]*numbered) error {
	phones, err := s.codec.PhoneKeys(m.To.Phone)
	if err != nil {
		return err
	}
	fixed, err := s.codec.EncodeFixed(m)
	if err != nil {
		return err
	}
	if err := addAttempts(b.attempts, s.codec, m); err != nil {
		return err
	}
	tally := tallyOf(m)
	t := b.news
	t.begin()
	t.uuid(m.ID)
	t.time(m.TriggeredAt)
	t.text(m.Template)
	t.int8(b.routeOf(s, m, numbers))
	t.textOrNull(m.To.Phone.CountryCode())
	t.textOrNull(append(phones, "")[0])
	t.textOrNull(m.Key)
	t.bytea(fixed)
	t.timeOrNull(m.DueAt)
	t.int8(m.Version)
	t.int4(int32(m.Claims))
	if err := addState(t, s.codec, m, tally); err != nil {
		return err
	}
	t.end()
	if m.Key != "" {
		b.keys = append(b.keys, m.Key)
	}
	b.deltas[delta{hourOf(m.TriggeredAt), m.Template, tally}]++
	return nil
}

func (b *insertion) routeOf(s *Store, m *smsplus.Message, numbers map[string]*numbered) int64 {
	if n := numbers[m.Template]; n != nil && n.scenario == m.Scenario && slices.Equal(n.plan, m.Plan) {
		return n.number
	}
	body := rowcodec.EncodeRoute(m)
	n := &numbered{route{m.Scenario, slices.Clone(m.Plan)}, numberOf(body)}
	numbers[m.Template] = n
	if _, ok := s.routes.find(n.number); !ok {
		b.newRoutes[n.number] = newRoute{n.route, body}
	}
	return n.number
}

// query returns the statement of s for the batch, and its parameters.
func (b *insertion) query(s *Store) (sql string, args []any) {
	var deltas tuples
	for d, count := range b.deltas {
		deltas.begin()
		deltas.int4(d.hour)
		deltas.text(d.template)
		deltas.text(d.tally)
		deltas.int4(count)
		deltas.end()
	}
	args = []any{b.news, &deltas}
	more := len(b.newRoutes) > 0 || b.attempts.n > 0
	if len(b.keys) == 0 && !more {
		return s.statements.insert, args
	}
	args = append(args, b.keys)
	if !more {
		return s.statements.insertKeyed, args
	}
	var routes tuples
	for _, number := range slices.Sorted(maps.Keys(b.newRoutes)) {
		routes.begin()
		routes.int8(number)
		routes.bytea(b.newRoutes[number].body)
		routes.end()
	}
	return s.statements.insertMore, append(args, b.attempts, &routes)
}

// delta is what messages are counted by.
type delta struct {
	hour            int32
	template, tally string
}
