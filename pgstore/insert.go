package pgstore

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/smsplus/smsplus-go/internal/stored"
	"github.com/smsplus/smsplus-go/smsplus"
)

// Insert implements [smsplus.Store].
func (s *Store) Insert(ctx context.Context, ms []smsplus.Message) (taken map[string]smsplus.Message, err error) {
	b, err := s.newInsertion(ms)
	if err != nil {
		return nil, fmt.Errorf("pgstore: insert: %w", err)
	}
	err = s.do(ctx, "insert", func(ctx context.Context) error {
		return untilSeen(func() error {
			taken, err = s.insertOnce(ctx, s.pool, b)
			return err
		})
	})
	if err != nil || len(taken) > 0 {
		return taken, err
	}
	if s.o.Hint && leaves(ms) {
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
	err = untilSeen(func() error {
		return pgx.BeginFunc(ctx, tx, func(savepoint pgx.Tx) (err error) {
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
	holders, err := s.messages(ctx, db, s.insert, b.args()...)
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

	id          [][16]byte
	triggeredAt []time.Time
	route       []int64
	template    []string
	country     []string
	phone       []string
	key         []string
	fixed       [][]byte

	version []int64
	claims  []int32
	states
	attempts attempts

	deltas    map[delta]int32
	newRoutes map[int64]newRoute
}

func (s *Store) newInsertion(ms []smsplus.Message) (*insertion, error) {
	n := len(ms)
	b := &insertion{
		id: make([][16]byte, 0, n), triggeredAt: make([]time.Time, 0, n), route: make([]int64, 0, n),
		template: make([]string, 0, n), country: make([]string, 0, n), phone: make([]string, 0, n), key: make([]string, 0, n),
		fixed: make([][]byte, 0, n), version: make([]int64, 0, n), claims: make([]int32, 0, n),
		deltas: map[delta]int32{}, newRoutes: map[int64]newRoute{},
	}
	b.grow(n)
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
	if err := cmp.Or(b.states.add(s.codec, m), b.attempts.add(s.codec, m)); err != nil {
		return err
	}
	if m.Key != "" {
		b.keys = append(b.keys, m.Key)
	}
	b.id = append(b.id, m.ID)
	b.triggeredAt = append(b.triggeredAt, m.TriggeredAt)
	b.route = append(b.route, b.routeOf(s, m, numbers))
	b.template = append(b.template, m.Template)
	b.country = append(b.country, m.To.Phone.CountryCode())
	b.phone = append(b.phone, append(phones, "")[0])
	b.key = append(b.key, m.Key)
	b.fixed = append(b.fixed, fixed)
	b.version = append(b.version, m.Version)
	b.claims = append(b.claims, int32(m.Claims))
	b.deltas[delta{hourOf(m.TriggeredAt), m.Template, b.tally[len(b.tally)-1]}]++
	return nil
}

func (b *insertion) routeOf(s *Store, m *smsplus.Message, numbers map[string]*numbered) int64 {
	if n := numbers[m.Template]; n != nil && n.scenario == m.Scenario && slices.Equal(n.plan, m.Plan) {
		return n.number
	}
	body := stored.EncodeRoute(m)
	n := &numbered{route{m.Scenario, slices.Clone(m.Plan)}, numberOf(body)}
	numbers[m.Template] = n
	if _, ok := s.routes.find(n.number); !ok {
		b.newRoutes[n.number] = newRoute{n.route, body}
	}
	return n.number
}

func (b *insertion) args() []any {
	var numbers []int64
	var bodies [][]byte
	for _, number := range slices.Sorted(maps.Keys(b.newRoutes)) {
		numbers, bodies = append(numbers, number), append(bodies, b.newRoutes[number].body)
	}
	var hours, n []int32
	var templates, tallies []string
	for d, count := range b.deltas {
		hours, templates, tallies = append(hours, d.hour), append(templates, d.template), append(tallies, d.tally)
		n = append(n, count)
	}
	a := &b.attempts
	return []any{
		b.keys,
		b.id, b.triggeredAt, b.route, b.template, b.country, b.phone, b.key, b.fixed,
		b.due, b.version, b.claims, b.status, b.tab, b.channel, b.lane, b.tally, b.body,
		a.id, a.triggeredAt, a.channel, a.name,
		hours, templates, tallies, n,
		numbers, bodies,
	}
}

// delta is what messages are counted by.
type delta struct {
	hour            int32
	template, tally string
}
