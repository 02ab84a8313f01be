package pgstore

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
)

// ByProviderID implements [smsplus.Store]. An empty ProviderID finds nothing.
func (s *Store) ByProviderID(ctx context.Context, refs []channel.Ref) (ms []smsplus.Message, err error) {
	wanted, err := s.codec.Refs(refs)
	if err != nil {
		return nil, fmt.Errorf("pgstore: by provider ID: %w", err)
	}
	err = s.retryCall(ctx, "by provider ID", func(ctx context.Context) error {
		rs, err := s.queryMessages(ctx, s.pool, s.statements.byProviderID, wanted.Keys())
		ms, _ = splitReadable(rs) // whether one that cannot be read has the ID is unknown
		return err
	})
	return wanted.KeepMessages(ms), err
}

// Park implements [smsplus.Store].
func (s *Store) Park(ctx context.Context, rs []channel.Receipt) error {
	var (
		refs, keys []int64
		ats        []time.Time
		bodies     [][]byte
	)
	for i := range rs {
		r := &rs[i]
		hashes, err := s.codec.RefKeys(r.Ref())
		if err != nil {
			return fmt.Errorf("pgstore: park: %w", err)
		}
		body, key, err := s.codec.EncodeReceipt(r)
		if err != nil {
			return fmt.Errorf("pgstore: park: %w", err)
		}
		refs, keys = append(refs, hashes[0]), append(keys, key)
		ats, bodies = append(ats, r.At), append(bodies, body)
	}
	return s.retryCall(ctx, "park", func(ctx context.Context) error {
		_, err := s.pool.Exec(ctx, s.statements.park, refs, keys, ats, bodies)
		return err
	})
}

// Parked implements [smsplus.Store].
func (s *Store) Parked(ctx context.Context, refs []channel.Ref) (rs []channel.Receipt, err error) {
	wanted, err := s.codec.Refs(refs)
	if err != nil {
		return nil, fmt.Errorf("pgstore: parked: %w", err)
	}
	var rows []parkedRow
	err = s.retryCall(ctx, "parked", func(ctx context.Context) error {
		rows, err = s.queryParked(ctx, s.statements.parked, wanted.Keys())
		return err
	})
	return slices.DeleteFunc(s.decodeParked(ctx, rows), func(r channel.Receipt) bool { return !wanted.Has(r.Ref()) }), err
}

// ListParked implements [smsplus.Store].
func (s *Store) ListParked(ctx context.Context, after string, limit int) (rs []channel.Receipt, next string, err error) {
	place := parkedPlace{math.MinInt64, math.MinInt64} // before the first: a hash is none
	if after != "" {
		if place, err = decodeParkedPlace(after); err != nil {
			return nil, "", err
		}
	}
	var rows []parkedRow
	err = s.retryCall(ctx, "list parked", func(ctx context.Context) error {
		rows, err = s.queryParked(ctx, s.statements.listParked, place.ref, place.key, limit)
		return err
	})
	if err == nil && len(rows) == limit {
		next = rows[limit-1].encode()
	}
	return s.decodeParked(ctx, rows), next, err
}

// parkedPlace is the primary key of a parked receipt. ListParked follows it.
type parkedPlace struct{ ref, key int64 }

func (p parkedPlace) encode() string { return fmt.Sprintf("%016x%016x", uint64(p.ref), uint64(p.key)) }

func decodeParkedPlace(cursor string) (parkedPlace, error) {
	b, err := hex.DecodeString(cursor)
	if err != nil || len(b) != 16 {
		return parkedPlace{}, fmt.Errorf("pgstore: list parked: the cursor is none (%d characters)", len(cursor))
	}
	return parkedPlace{int64(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint64(b[8:]))}, nil
}

// parkedRow is a parked receipt that is not decoded yet.
type parkedRow struct {
	parkedPlace
	body []byte
}

// queryParked runs a statement that returns parked receipts.
func (s *Store) queryParked(ctx context.Context, sql string, args ...any) ([]parkedRow, error) {
	rows, err := s.pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r parkedRow, err error) {
		return r, row.Scan(&r.ref, &r.key, &r.body)
	})
}

// decodeParked decodes receipts. It leaves out receipts that cannot be read, and logs each
// once. Unpark keeps them for a store that can read them.
func (s *Store) decodeParked(ctx context.Context, rows []parkedRow) (rs []channel.Receipt) {
	for _, row := range rows {
		r, err := s.codec.DecodeReceipt(row.body)
		switch {
		case err == nil:
			rs = append(rs, r)
		case s.unreadableReceipts.add(row.parkedPlace):
			s.options.Logger.LogAttrs(ctx, slog.LevelWarn, "pgstore: a parked receipt cannot be read; it stays parked", slog.Any("error", err))
		}
	}
	return rs
}

// unreadableReceipts are parked receipts that this store could not read.
type unreadableReceipts struct {
	mu     sync.Mutex
	places map[parkedPlace]bool
}

// maxUnreadableReceipts bounds the receipts that are remembered.
const maxUnreadableReceipts = 10_000

// add adds a receipt, and reports whether it is new.
func (u *unreadableReceipts) add(p parkedPlace) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.places[p] || len(u.places) >= maxUnreadableReceipts {
		return false
	}
	if u.places == nil {
		u.places = make(map[parkedPlace]bool)
	}
	u.places[p] = true
	return true
}

// receiptKeys returns the keys of the receipts.
func (u *unreadableReceipts) receiptKeys() []int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	keys := make([]int64, 0, len(u.places)) // an array that is NULL would match nothing
	for p := range u.places {
		keys = append(keys, p.key)
	}
	return keys
}

// Unpark implements [smsplus.Store]. It compares hashes alone: two provider IDs with the
// same hash are practically impossible. Receipts that this store could not read stay.
func (s *Store) Unpark(ctx context.Context, refs []channel.Ref) error {
	unwanted, err := s.codec.Refs(refs)
	if err != nil {
		return fmt.Errorf("pgstore: unpark: %w", err)
	}
	return s.retryCall(ctx, "unpark", func(ctx context.Context) error {
		_, err := s.pool.Exec(ctx, s.statements.unpark, unwanted.Keys(), s.unreadableReceipts.receiptKeys())
		return err
	})
}
