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

// InsertTx inserts messages in a transaction of the application: they exist if, and only
// if, that commits. The messages come from Dispatcher.Prepare.
//
//	m, err := d.Prepare(trigger)
//	taken, err := store.InsertTx(ctx, tx, m)
//
// As with Insert, nothing is added if a key is taken, and taken holds the messages that
// have the keys. Such a message is the one that an earlier call made for the same trigger.
// If it is to another person, the application has used a key twice.
//
// The transaction stays usable after an error, unless the connection is lost. From InsertTx
// until the transaction ends, other inserts of its keys wait.
//
// No dispatcher is notified of the messages. A dispatcher finds them within its
// Config.Poll after the commit.
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

// retryUniqueViolation repeats an insert that failed because a concurrent insert took one
// of its keys. The first attempt could not see that message; the next one returns it.
func retryUniqueViolation(insert func() error) (err error) {
	for range maxTries {
		if err = insert(); sqlState(err) != uniqueViolation {
			break
		}
	}
	return err
}

// insertOnce inserts a batch, or returns the messages that have its keys.
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

// insertBatch is a batch of messages in the form that the insert statements take.
type insertBatch struct {
	keys []string // without the empty ones

	messages *compositeArray
	attempts *compositeArray

	deltas map[deltaKey]int32
	routes map[int64]newRoute // the routes that are not known to be stored, by their hashes
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

// sortForLocking returns the messages in the order in which a statement locks their rows or
// keys. All batches use the same order: two that lock the same rows in different orders
// deadlock.
func sortForLocking(ms []smsplus.Message, compare func(a, b *smsplus.Message) int) []*smsplus.Message {
	list := make([]*smsplus.Message, len(ms))
	for i := range ms {
		list[i] = &ms[i]
	}
	slices.SortStableFunc(list, compare)
	return list
}

// routeID is a route and its hash. Within a batch, most messages of a template share one.
type routeID struct {
	route
	hash int64
}

// newRoute is a route and its encoding.
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
	newMessageType.addRow(b.messages, newRow{
		Message: m, tally: tally, body: body,
		route: b.routeHash(s, m, routeIDs), phone: append(phones, "")[0], fixed: fixed,
	})
	if m.Key != "" {
		b.keys = append(b.keys, m.Key)
	}
	b.deltas[deltaKey{hourOf(m.TriggeredAt), m.Template, tally}]++
	return nil
}

// routeHash returns the hash of the message's route, and adds the route to the batch if it
// is not known to be stored.
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

// statement returns the simplest insert statement that stores the batch, and its parameters.
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
	more := len(b.routes) > 0 || b.attempts.rows > 0 // than messages and keys
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

// deltaKey is the hour, the template and the tally that a delta counts messages of.
type deltaKey struct {
	hour            int32
	template, tally string
}
