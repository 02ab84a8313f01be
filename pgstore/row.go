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

// hourOf returns the hour since 1970 under which statistics count a time.
func hourOf(t time.Time) int32 { return int32(floorDiv(t.Unix(), int64(time.Hour/time.Second))) }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// routeCache holds the routes that are known to be stored, by their hashes. There are few
// routes and none is ever deleted, so each is fetched once.
type routeCache struct{ byHash sync.Map }

// route is the part of a message that most messages of one template share.
type route struct {
	scenario string
	plan     []smsplus.PlannedStep
}

// hashRoute returns the key under which a route's encoding is stored: 64 bits of its
// SHA-256. A database has few routes, so that no two of them share a hash, and no lookup is
// needed to find one.
func hashRoute(body []byte) int64 {
	sum := sha256.Sum256(body)
	return int64(binary.BigEndian.Uint64(sum[:]))
}

func decodeRoute(body []byte) (route, error) {
	var m smsplus.Message
	err := rowcodec.DecodeRoute(body, &m)
	return route{m.Scenario, m.Plan}, err
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
	route int64
}

// scanMessage reads messageColumns. The row's first columns, before those, go to first.
func (s *Store) scanMessage(row pgx.CollectableRow, first ...any) (scannedMessage, error) {
	var r messageRow
	targets := slices.Grow(first, len(messageColumns))
	for _, c := range messageColumns {
		targets = append(targets, c.target(&r))
	}
	if err := row.Scan(targets...); err != nil {
		return scannedMessage{}, err
	}
	m := &r.Message
	m.TriggeredAt = m.TriggeredAt.UTC()
	m.DueAt = timeOrZero(r.dueAt)
	m.Status, m.Key = status.Status(r.status), r.key.String
	if err := s.codec.DecodeFixed(r.fixed, r.phone.String, m); err != nil {
		return scannedMessage{}, err
	}
	err := s.codec.DecodeState(r.body, m)
	return r.scannedMessage, err
}

// queryMessages runs a statement that returns messageColumns.
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

// attachRoutes completes messages with their routes.
func (s *Store) attachRoutes(ctx context.Context, db querier, rs []scannedMessage) ([]smsplus.Message, error) {
	found := map[int64]route{}
	var missing []int64
	for i := range rs {
		hash := rs[i].route
		if _, ok := found[hash]; ok {
			continue
		}
		known, ok := s.routeCache.find(hash)
		if !ok {
			missing = append(missing, hash)
		}
		found[hash] = known
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

// fetchRoutes reads routes from the database.
func (s *Store) fetchRoutes(ctx context.Context, db querier, hashes []int64, into map[int64]route) error {
	rows, err := db.Query(ctx, s.statements.routes, hashes)
	if err != nil {
		return err
	}
	var hash int64
	var body []byte
	tag, err := pgx.ForEachRow(rows, []any{&hash, &body}, func() error {
		r, err := decodeRoute(body)
		into[hash] = r
		// A transaction may see a route of its own, which a rollback removes.
		if _, ok := db.(pgx.Tx); err == nil && !ok {
			s.routeCache.add(hash, r)
		}
		return err
	})
	if err == nil && tag.RowsAffected() < int64(len(hashes)) {
		err = errors.New("a message's route is not there")
	}
	return err
}
