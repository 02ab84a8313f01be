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

// addState adds the fields that say what has become of a message, which stand together
// in the types of messages and of states.
func addState(t *tuples, codec *rowcodec.Codec, m *smsplus.Message, tally string) error {
	body, err := codec.EncodeState(m)
	if err != nil {
		return err
	}
	t.int2(int16(m.Status))
	t.int2(int16(m.Status.Group()))
	t.text(string(m.Channel))
	t.text(string(m.Lane))
	t.text(tally)
	t.bytea(body)
	return nil
}

// addAttempts adds a message's attempts.
func addAttempts(t *tuples, codec *rowcodec.Codec, m *smsplus.Message) error {
	for i := range m.Attempts {
		name, err := nameOf(codec, &m.Attempts[i])
		if err != nil {
			return err
		}
		t.begin()
		t.uuid(m.ID)
		t.time(m.TriggeredAt)
		t.text(attemptChannel(m, i))
		t.int8OrNull(name)
		t.end()
	}
	return nil
}

// nameOf returns the number under which an attempt's receipts find it, if it has one.
func nameOf(codec *rowcodec.Codec, a *smsplus.Attempt) (pgtype.Int8, error) {
	if a.ProviderID == "" {
		return pgtype.Int8{}, nil
	}
	keys, err := codec.RefKeys(channel.Ref{Channel: a.Channel, ProviderID: a.ProviderID})
	if err != nil {
		return pgtype.Int8{}, err
	}
	return pgtype.Int8{Int64: keys[0], Valid: true}, nil
}

func timeOf(t pgtype.Timestamptz) time.Time {
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

// routes are those that are known to be stored, by their numbers. There are few, and
// none is ever dropped, so each is fetched once.
type routes struct{ known sync.Map }

// route is what messages of one template have in common.
type route struct {
	scenario string
	plan     []smsplus.PlannedStep
}

// numberOf returns the number of a route's encoding. It needs no look at the database:
// no two of the few routes that there ever are have the same 64 bits of SHA-256.
func numberOf(body []byte) int64 {
	sum := sha256.Sum256(body)
	return int64(binary.BigEndian.Uint64(sum[:]))
}

func decodeRoute(body []byte) (route, error) {
	var m smsplus.Message
	err := rowcodec.DecodeRoute(body, &m)
	return route{m.Scenario, m.Plan}, err
}

func (r *routes) find(number int64) (route, bool) {
	found, ok := r.known.Load(number)
	if !ok {
		return route{}, false
	}
	return found.(route), true
}

func (r *routes) add(number int64, known route) { r.known.Store(number, known) }

// record is a message as it was read, but for its route.
type record struct {
	smsplus.Message
	route int64
}

// scan reads the columns, and before them what else the row begins with.
func (s *Store) scan(row pgx.CollectableRow, first ...any) (record, error) {
	var (
		r           record
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
		return record{}, err
	}
	m.TriggeredAt = m.TriggeredAt.UTC()
	m.DueAt = timeOf(due)
	m.Status, m.Key = status.Status(st), key.String
	if err := s.codec.DecodeFixed(fixed, phone.String, m); err != nil {
		return record{}, err
	}
	return r, s.codec.DecodeState(body, m)
}

// messages reads rows of the columns.
func (s *Store) messages(ctx context.Context, db querier, sql string, args ...any) ([]smsplus.Message, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	rs, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (record, error) { return s.scan(row) })
	if err != nil {
		return nil, err
	}
	return s.routed(ctx, db, rs)
}

// routed completes records with their routes.
func (s *Store) routed(ctx context.Context, db querier, rs []record) ([]smsplus.Message, error) {
	found := map[int64]route{}
	var missing []int64
	for i := range rs {
		number := rs[i].route
		if _, ok := found[number]; ok {
			continue
		}
		known, ok := s.routes.find(number)
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
			s.routes.add(number, r)
		}
		return err
	})
	if err == nil && tag.RowsAffected() < int64(len(numbers)) {
		err = errors.New("a message's route is not there")
	}
	return err
}
