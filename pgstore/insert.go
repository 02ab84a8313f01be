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
	b, err := s.newInsertBatch(ms)
	if err != nil {
		return nil, fmt.Errorf("pgstore: insert: %w", err)
	}
	defer s.release(b.messages, b.attempts)
	err = s.retry(ctx, "insert", func(ctx context.Context) error {
		conn, err := s.acquire(ctx)
		if err != nil {
			return err
		}
		defer conn.Release()
		return retryUniqueViolation(func() error {
			taken, err = s.insertOnce(ctx, conn, b)
			return err
		})
	})
	if err != nil || len(taken) > 0 {
		return taken, err
	}
	if s.options.Notify && leavesDueMessage(ms) {
		s.notifier.request()
	}
	for hash, r := range b.routes {
		s.routeCache.add(hash, r.route)
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
	b, err := s.newInsertBatch(ms)
	if err != nil {
		return nil, fmt.Errorf("pgstore: insert: %w", err)
	}
	defer s.release(b.messages, b.attempts)
	err = retryUniqueViolation(func() error {
		return pgx.BeginFunc(ctx, tx, func(savepoint pgx.Tx) (err error) {
			if err := s.registerTypes(ctx, savepoint.Conn()); err != nil {
				return err
			}
			taken, err = s.insertOnce(ctx, savepoint, b)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("pgstore: insert: %w", redactError(err))
	}
	return taken, nil
}

// retryUniqueViolation repeats an insert that failed because another one with its keys was first,
// which it could not see: the next time it does, and says who has them.
func retryUniqueViolation(insert func() error) (err error) {
	for range maxTries {
		if err = insert(); sqlState(err) != uniqueViolation {
			break
		}
	}
	return err
}

func (s *Store) insertOnce(ctx context.Context, db querier, b *insertBatch) (taken map[string]smsplus.Message, err error) {
	sql, args := b.statement(s)
	holders, err := s.queryMessages(ctx, db, sql, args...)
	if err != nil || len(holders) == 0 {
		return nil, err
	}
	taken = make(map[string]smsplus.Message, len(holders))
	for _, m := range holders {
		taken[m.Key] = m
	}
	return taken, nil
}

// insertBatch is a batch of messages as insertSQL takes it.
type insertBatch struct {
	keys []string // those that are not ""

	messages *compositeArray
	attempts *compositeArray

	deltas map[deltaKey]int32
	routes map[int64]newRoute
}

func (s *Store) newInsertBatch(ms []smsplus.Message) (*insertBatch, error) {
	b := &insertBatch{messages: newCompositeArray(), attempts: newCompositeArray(), deltas: map[deltaKey]int32{}, routes: map[int64]newRoute{}}
	routeIDs := map[string]*routeID{}
	for _, m := range sortForLocking(ms, func(a, b *smsplus.Message) int { return strings.Compare(a.Key, b.Key) }) {
		if err := b.add(s, m, routeIDs); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// sortForLocking returns the messages by what the rows or keys are locked by: two batches
// that lock the same ones in different orders would wait for each other for ever.
func sortForLocking(ms []smsplus.Message, compare func(a, b *smsplus.Message) int) []*smsplus.Message {
	list := make([]*smsplus.Message, len(ms))
	for i := range ms {
		list[i] = &ms[i]
	}
	slices.SortStableFunc(list, compare)
	return list
}

// routeID is a route and its number: most messages of a template have the same.
type routeID struct {
	route
	hash int64
}

// newRoute is one that is not known to be stored.
type newRoute struct {
	route
	body []byte
}

func (b *insertBatch) add(s *Store, m *smsplus.Message, routeIDs map[string]*routeID) error {
	phones, err := s.codec.PhoneKeys(m.To.Phone)
	if err != nil {
		return err
	}
	fixed, err := s.codec.EncodeFixed(m)
	if err != nil {
		return err
	}
	if err := appendAttempts(b.attempts, s.codec, m); err != nil {
		return err
	}
	body, err := s.codec.EncodeState(m)
	if err != nil {
		return err
	}
	tally := encodeTally(m)
	newMessageType.addRow(b.messages, &newRow{
		Message: m, tally: tally, body: body,
		route: b.routeHash(s, m, routeIDs), phone: append(phones, "")[0], fixed: fixed,
	})
	if m.Key != "" {
		b.keys = append(b.keys, m.Key)
	}
	b.deltas[deltaKey{hourOf(m.TriggeredAt), m.Template, tally}]++
	return nil
}

func (b *insertBatch) routeHash(s *Store, m *smsplus.Message, routeIDs map[string]*routeID) int64 {
	if id := routeIDs[m.Template]; id != nil && id.scenario == m.Scenario && slices.Equal(id.plan, m.Plan) {
		return id.hash
	}
	body := rowcodec.EncodeRoute(m)
	id := &routeID{route{m.Scenario, slices.Clone(m.Plan)}, hashRoute(body)}
	routeIDs[m.Template] = id
	if _, ok := s.routeCache.find(id.hash); !ok {
		b.routes[id.hash] = newRoute{id.route, body}
	}
	return id.hash
}

// statement returns the statement of s for the batch, and its parameters.
func (b *insertBatch) statement(s *Store) (sql string, args []any) {
	var deltas compositeArray
	for d, count := range b.deltas {
		deltas.beginRow()
		deltas.addInt4(d.hour)
		deltas.addText(d.template)
		deltas.addText(d.tally)
		deltas.addInt4(count)
		deltas.endRow()
	}
	args = []any{b.messages, &deltas}
	more := len(b.routes) > 0 || b.attempts.rows > 0
	if len(b.keys) == 0 && !more {
		return s.statements.insert, args
	}
	args = append(args, b.keys)
	if !more {
		return s.statements.insertKeyed, args
	}
	var routes compositeArray
	for _, hash := range slices.Sorted(maps.Keys(b.routes)) {
		routes.beginRow()
		routes.addInt8(hash)
		routes.addBytea(b.routes[hash].body)
		routes.endRow()
	}
	return s.statements.insertWithAttempts, append(args, b.attempts, &routes)
}

// deltaKey is what messages are counted by.
type deltaKey struct {
	hour            int32
	template, tally string
}
