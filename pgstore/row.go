package pgstore

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/smsplus/smsplus-go/internal/rowcodec"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// appendAttempts adds a message's attempts as smsplus_new_attempt.
func appendAttempts(a *compositeArray, codec *rowcodec.Codec, m *smsplus.Message) error {
	for i := range m.Attempts {
		hash, err := providerIDHash(codec, &m.Attempts[i])
		if err != nil {
			return err
		}
		a.beginRow()
		a.addUUID(m.ID)
		a.addTime(m.TriggeredAt)
		a.addText(attemptChannel(m, i))
		a.addInt8OrNull(hash)
		a.endRow()
	}
	return nil
}

// providerIDHash returns the hash by which an attempt's receipts find it, or no hash if the
// attempt has no provider ID.
func providerIDHash(codec *rowcodec.Codec, a *smsplus.Attempt) (pgtype.Int8, error) {
	key, ok, err := codec.AttemptKey(a)
	return pgtype.Int8{Int64: key, Valid: ok}, err
}

func timeOrZero(t pgtype.Timestamptz) time.Time {
	if !t.Valid {
		return time.Time{}
	}
	return t.Time.UTC()
}

// routeCache holds routes that were stored, by their hashes. There are few routes and none
// is ever deleted, so each is fetched once. That a route is still stored is for an insert to
// check: the database may have gone back in time since.
type routeCache struct{ byHash sync.Map }

// route is the part of a message that most messages of one template share.
type route struct {
	scenario string
	plan     []smsplus.PlannedStep
	err      error // why the route cannot be read, or nil
}

// hashRoute returns the key under which a route's encoding is stored: 64 bits of its
// SHA-256. A database has few routes, so that no two of them share a hash, and no lookup is
// needed to find one.
func hashRoute(body []byte) int64 {
	sum := sha256.Sum256(body)
	return int64(binary.BigEndian.Uint64(sum[:]))
}

func decodeRoute(body []byte) route {
	var m smsplus.Message
	err := rowcodec.DecodeRoute(body, &m)
	return route{m.Scenario, m.Plan, err}
}

func (c *routeCache) find(hash int64) (route, bool) {
	found, ok := c.byHash.Load(hash)
	if !ok {
		return route{}, false
	}
	return found.(route), true
}

func (c *routeCache) add(hash int64, r route) { c.byHash.Store(hash, r) }

// scannedMessage is a message without its route, of which it has the hash.
type scannedMessage struct {
	smsplus.Message
	routeHash int64
	err       error // why the message cannot be read, or nil
}

// unreadable returns what is known of a message that cannot be read.
func (r *scannedMessage) unreadable() smsplus.Unreadable {
	return smsplus.Unreadable{ID: r.ID, Version: r.Version, Claims: r.Claims, TriggeredAt: r.TriggeredAt, Err: r.unreadableError()}
}

// unreadableError returns the error about a message that cannot be read.
func (r *scannedMessage) unreadableError() error {
	return fmt.Errorf("%w: %v: %w", smsplus.ErrUnreadable, r.ID, r.err)
}

// scanMessage reads messageColumns. The row's first columns, before those, go to first. A
// row without a message has only them. A message that cannot be decoded is no error, so
// that the other rows are read.
func (s *Store) scanMessage(row pgx.CollectableRow, first ...any) (r scannedMessage, ok bool, err error) {
	var m messageRow
	columns := row.RawValues()
	targets := slices.Grow(first, len(messageColumns))
	if len(columns) == len(first) || columns[len(first)] == nil {
		return r, false, row.Scan(targets[:len(columns)]...)
	}
	for _, c := range messageColumns {
		targets = append(targets, c.target(&m))
	}
	if err := row.Scan(targets...); err != nil {
		return r, false, err
	}
	m.err = s.decodeRow(&m)
	return m.scannedMessage, true, nil
}

// decodeRow completes a message with what its columns contain encoded.
func (s *Store) decodeRow(r *messageRow) error {
	m := &r.Message
	m.TriggeredAt = m.TriggeredAt.UTC()
	m.DueAt = timeOrZero(r.dueAt)
	m.Key = r.key.String
	if m.Status = status.Status(r.status); int16(m.Status) != r.status || !m.Status.Valid() {
		return fmt.Errorf("its status %d does not exist", r.status)
	}
	if err := s.codec.DecodeFixed(r.fixed, r.phone.String, m); err != nil {
		return err
	}
	return s.codec.DecodeState(r.body, m)
}

// queryMessages runs a statement that returns messageColumns.
func (s *Store) queryMessages(ctx context.Context, db querier, sql string, args ...any) ([]scannedMessage, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	rs, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (scannedMessage, error) {
		r, _, err := s.scanMessage(row)
		return r, err
	})
	if err != nil {
		return nil, err
	}
	return rs, s.attachRoutes(ctx, db, rs)
}

// splitReadable divides messages into readable and unreadable ones.
func splitReadable(rs []scannedMessage) (ms []smsplus.Message, unreadable []smsplus.Unreadable) {
	for i := range rs {
		if rs[i].err != nil {
			unreadable = append(unreadable, rs[i].unreadable())
			continue
		}
		ms = append(ms, rs[i].Message)
	}
	return ms, unreadable
}

var errNoRoute = errors.New("its route is not there")

// attachRoutes completes messages with their routes.
func (s *Store) attachRoutes(ctx context.Context, db querier, rs []scannedMessage) error {
	found := map[int64]route{}
	var missing []int64
	for i := range rs {
		hash := rs[i].routeHash
		if _, ok := found[hash]; ok {
			continue
		}
		known, ok := s.routeCache.find(hash)
		if !ok {
			missing = append(missing, hash)
			known.err = errNoRoute
		}
		found[hash] = known
	}
	if len(missing) > 0 {
		if err := s.fetchRoutes(ctx, db, missing, found); err != nil {
			return err
		}
	}
	for i := range rs {
		r := found[rs[i].routeHash]
		rs[i].err = cmp.Or(rs[i].err, r.err)
		rs[i].Scenario, rs[i].Plan = r.scenario, slices.Clone(r.plan)
	}
	return nil
}

// fetchRoutes reads routes from the database. One that cannot be decoded has an error.
func (s *Store) fetchRoutes(ctx context.Context, db querier, hashes []int64, into map[int64]route) error {
	rows, err := db.Query(ctx, s.statements.routes, hashes)
	if err != nil {
		return err
	}
	var hash int64
	var body []byte
	_, err = pgx.ForEachRow(rows, []any{&hash, &body}, func() error {
		r := decodeRoute(body)
		into[hash] = r
		// A transaction may see a route of its own, which a rollback removes.
		if _, ok := db.(pgx.Tx); r.err == nil && !ok {
			s.routeCache.add(hash, r)
		}
		return nil
	})
	return err
}
