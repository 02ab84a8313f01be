package pgstore

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/rowcodec"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// appendState adds the fields that say what has become of a message, which stand together
// in the types of messages and of states.
func appendState(t *compositeArray, codec *rowcodec.Codec, m *smsplus.Message, tally string) error {
	body, err := codec.EncodeState(m)
	if err != nil {
		return err
	}
	t.addInt2(int16(m.Status))
	t.addInt2(int16(m.Status.Group()))
	t.addText(string(m.Channel))
	t.addText(string(m.Lane))
	t.addText(tally)
	t.addBytea(body)
	return nil
}

// appendAttempts adds a message's attempts.
func appendAttempts(t *compositeArray, codec *rowcodec.Codec, m *smsplus.Message) error {
	for i := range m.Attempts {
		name, err := providerIDHash(codec, &m.Attempts[i])
		if err != nil {
			return err
		}
		t.beginRow()
		t.addUUID(m.ID)
		t.addTime(m.TriggeredAt)
		t.addText(attemptChannel(m, i))
		t.addInt8OrNull(name)
		t.endRow()
	}
	return nil
}

// providerIDHash returns the number under which an attempt's receipts find it, if it has one.
func providerIDHash(codec *rowcodec.Codec, a *smsplus.Attempt) (pgtype.Int8, error) {
	if a.ProviderID == "" {
		return pgtype.Int8{}, nil
	}
	keys, err := codec.RefKeys(channel.Ref{Channel: a.Channel, ProviderID: a.ProviderID})
	if err != nil {
		return pgtype.Int8{}, err
	}
	return pgtype.Int8{Int64: keys[0], Valid: true}, nil
}

func timeOrZero(t pgtype.Timestamptz) time.Time {
	if !t.Valid {
		return time.Time{}
	}
	return t.Time.UTC()
}

// hourOf returns the hours since 1970, by which statistics are kept.
func hourOf(t time.Time) int32 { return int32(floorDiv(t.Unix(), int64(time.Hour/time.Second))) }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// routeCache are those that are known to be stored, by their numbers. There are few, and
// none is ever dropped, so each is fetched once.
type routeCache struct{ byHash sync.Map }

// route is what messages of one template have in common.
type route struct {
	scenario string
	plan     []smsplus.PlannedStep
}

// hashRoute returns the number of a route's encoding. It needs no look at the database:
// no two of the few routes that there ever are have the same 64 bits of SHA-256.
func hashRoute(body []byte) int64 {
	sum := sha256.Sum256(body)
	return int64(binary.BigEndian.Uint64(sum[:]))
}

func decodeRoute(body []byte) (route, error) {
	var m smsplus.Message
	err := rowcodec.DecodeRoute(body, &m)
	return route{m.Scenario, m.Plan}, err
}

func (r *routeCache) find(number int64) (route, bool) {
	found, ok := r.byHash.Load(number)
	if !ok {
		return route{}, false
	}
	return found.(route), true
}

func (r *routeCache) add(number int64, known route) { r.byHash.Store(number, known) }

// scannedMessage is a message as it was read, but for its route.
type scannedMessage struct {
	smsplus.Message
	route int64
}

// scanMessage reads the columns, and before them what else the row begins with.
func (s *Store) scanMessage(row pgx.CollectableRow, first ...any) (scannedMessage, error) {
	var (
		r           scannedMessage
		due         pgtype.Timestamptz
		st          uint8
		phone, key  pgtype.Text
		body, fixed pgtype.DriverBytes
	)
	m := &r.Message
	err := row.Scan(append(first,
		(*[16]byte)(&m.ID), &m.TriggeredAt, &due, &m.Version, &m.Claims, &st, (*string)(&m.Channel), (*string)(&m.Lane),
		&m.Template, &body, &r.route, &phone, &key, &fixed)...)
	if err != nil {
		return scannedMessage{}, err
	}
	m.TriggeredAt = m.TriggeredAt.UTC()
	m.DueAt = timeOrZero(due)
	m.Status, m.Key = status.Status(st), key.String
	if err := s.codec.DecodeFixed(fixed, phone.String, m); err != nil {
		return scannedMessage{}, err
	}
	return r, s.codec.DecodeState(body, m)
}

// queryMessages reads rows of the columns.
func (s *Store) queryMessages(ctx context.Context, db querier, sql string, args ...any) ([]smsplus.Message, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	rs, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (scannedMessage, error) { return s.scanMessage(row) })
	if err != nil {
		return nil, err
	}
	return s.attachRoutes(ctx, db, rs)
}

// attachRoutes completes records with their routes.
func (s *Store) attachRoutes(ctx context.Context, db querier, rs []scannedMessage) ([]smsplus.Message, error) {
	found := map[int64]route{}
	var missing []int64
	for i := range rs {
		number := rs[i].route
		if _, ok := found[number]; ok {
			continue
		}
		known, ok := s.routeCache.find(number)
		if !ok {
			missing = append(missing, number)
		}
		found[number] = known
	}
	if len(missing) > 0 {
		if err := s.fetchRoutes(ctx, db, missing, found); err != nil {
			return nil, err
		}
	}
	var ms []smsplus.Message
	for i := range rs {
		m := &rs[i].Message
		r := found[rs[i].route]
		m.Scenario, m.Plan = r.scenario, slices.Clone(r.plan)
		ms = append(ms, *m)
	}
	return ms, nil
}

func (s *Store) fetchRoutes(ctx context.Context, db querier, numbers []int64, into map[int64]route) error {
	rows, err := db.Query(ctx, s.statements.routes, numbers)
	if err != nil {
		return err
	}
	var number int64
	var body []byte
	tag, err := pgx.ForEachRow(rows, []any{&number, &body}, func() error {
		r, err := decodeRoute(body)
		into[number] = r
		// A transaction sees routes that go when it is rolled back.
		if _, ok := db.(pgx.Tx); err == nil && !ok {
			s.routeCache.add(number, r)
		}
		return err
	})
	if err == nil && tag.RowsAffected() < int64(len(numbers)) {
		err = errors.New("a message's route is not there")
	}
	return err
}
