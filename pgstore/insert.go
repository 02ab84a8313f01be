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
	defer s.releaseArrays(b.messages, b.attempts)
	defer s.idle.noteWrite()()
	err = s.retryCall(ctx, "insert", func(ctx context.Context) error {
		conn, err := s.acquireConn(ctx)
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
	for hash, r := range b.newRoutes {
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
// From InsertTx until the transaction ends, other inserts of its keys wait. InsertTx itself
// waits for them until its context ends, or for Options.Timeout if that has no deadline.
//
// The transaction stays usable after an error, unless the connection is lost, as it is when
// the deadline passes. An error that is [ErrAborted] or [ErrKeyTaken] is the application's
// to repeat, with its whole transaction.
//
// No dispatcher is notified of the messages. A dispatcher finds them within its
// Config.Poll after the commit. An idle one in another process may take a minute longer, if
// the transaction took more than a minute while claims are slow.
func (s *Store) InsertTx(ctx context.Context, tx pgx.Tx, ms ...smsplus.Message) (taken map[string]smsplus.Message, err error) {
	b, err := s.newInsertBatch(ms)
	if err != nil {
		return nil, fmt.Errorf("pgstore: insert: %w", err)
	}
	defer s.releaseArrays(b.messages, b.attempts)
	s.idle.noteInsertTx()
	ctx, cancel := s.withDeadline(ctx)
	defer cancel()
	err = retryUniqueViolation(func() error {
		return pgx.BeginFunc(ctx, tx, func(savepoint pgx.Tx) (err error) {
			if err := s.prepareConn(ctx, savepoint.Conn()); err != nil {
				return err
			}
			taken, err = s.insertOnce(ctx, savepoint, b)
			return err
		})
	})
	if err != nil {
		return nil, wrapError("insert", err)
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

// insertOnce inserts a batch, or returns the messages that have its keys. Should the
// database have lost a route, it inserts the batch with its routes.
func (s *Store) insertOnce(ctx context.Context, db querier, b *insertBatch) (map[string]smsplus.Message, error) {
	stored, holders, err := s.execInsert(ctx, db, b)
	if err == nil && !stored && len(holders) == 0 {
		b.withRoutes = true
		_, holders, err = s.execInsert(ctx, db, b)
	}
	if err != nil || len(holders) == 0 {
		return nil, err
	}
	taken := make(map[string]smsplus.Message, len(holders))
	for i := range holders {
		if holders[i].err != nil {
			return nil, holders[i].unreadableError()
		}
		taken[holders[i].Key] = holders[i].Message
	}
	return taken, nil
}

// execInsert executes the batch's statement. It returns whether the routes are stored, and
// the messages that have the batch's keys.
func (s *Store) execInsert(ctx context.Context, db querier, b *insertBatch) (stored bool, holders []scannedMessage, err error) {
	sql, args := b.statement(s)
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return false, nil, err
	}
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) {
		r, ok, err := s.scanMessage(row, &stored)
		if ok {
			holders = append(holders, r)
		}
		return struct{}{}, err
	})
	if err == nil && len(holders) > 0 {
		err = s.attachRoutes(ctx, db, holders)
	}
	return stored, holders, err
}

// insertBatch is a batch of messages in the form that the insert statements take.
type insertBatch struct {
	keys []string // without the empty ones

	messages *compositeArray
	attempts *compositeArray

	deltas map[deltaKey]int32

	newRoutes  map[int64]newRoute // by their hashes
	withRoutes bool               // the routes are inserted too, unless they are there
}

func (s *Store) newInsertBatch(ms []smsplus.Message) (*insertBatch, error) {
	b := &insertBatch{messages: newCompositeArray(), attempts: newCompositeArray(), deltas: map[deltaKey]int32{}, newRoutes: map[int64]newRoute{}}
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
	ids, err := s.codec.RecipientKeys(m.To)
	if err != nil {
		return err
	}
	reference, err := s.codec.ReferenceKeys(m.Reference)
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
		Message: m, tally: tally, reasons: rowcodec.EncodeReasons(m), body: body,
		routeHash: b.routeHash(s, m, routeIDs), phone: append(phones, "")[0], recipientIDs: ids, reference: reference, fixed: fixed,
	})
	if m.Key != "" {
		b.keys = append(b.keys, m.Key)
	}
	b.deltas[deltaKey{hourOf(m.TriggeredAt), m.Template, tally}]++
	return nil
}

// routeHash returns the hash of the message's route, and adds the route to the batch.
func (b *insertBatch) routeHash(s *Store, m *smsplus.Message, routeIDs map[string]*routeID) int64 {
	if id := routeIDs[m.Template]; id != nil && id.scenario == m.Scenario && slices.Equal(id.plan, m.Plan) {
		return id.hash
	}
	body := rowcodec.EncodeRoute(m)
	id := &routeID{route{scenario: m.Scenario, plan: slices.Clone(m.Plan)}, hashRoute(body)}
	routeIDs[m.Template] = id
	b.newRoutes[id.hash] = newRoute{id.route, body}
	if _, ok := s.routeCache.find(id.hash); !ok {
		b.withRoutes = true
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
	hashes := slices.AppendSeq(make([]int64, 0, len(b.newRoutes)), maps.Keys(b.newRoutes)) // never NULL
	slices.Sort(hashes)
	args = []any{b.messages, &deltas, hashes}
	more := b.withRoutes || b.attempts.rows > 0 // than messages and keys
	if len(b.keys) == 0 && !more {
		return s.statements.insert, args
	}
	args = append(args, b.keys)
	if !more {
		return s.statements.insertKeyed, args
	}
	var routes compositeArray
	for _, hash := range hashes {
		routes.beginRow()
		routes.addInt8(hash)
		routes.addBytea(b.newRoutes[hash].body)
		routes.endRow()
	}
	args[2] = &routes
	return s.statements.insertWithAttempts, append(args, b.attempts)
}

// deltaKey is the hour, the template and the tally that a delta counts messages of.
type deltaKey struct {
	hour            int32
	template, tally string
}
