package sqlitestore

import (
	"context"
	"database/sql/driver"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/microtime"
	"github.com/smsplus/smsplus-go/internal/rowcodec"
	"github.com/smsplus/smsplus-go/smsplus"
)

var selectMessageByID = selectMessages + "WHERE m.id = ?"

// Message implements [smsplus.Store]. The error about a message that cannot be read wraps
// [smsplus.ErrUnreadable].
func (s *Store) Message(ctx context.Context, id uuid.UUID) (smsplus.Message, error) {
	var rs results
	err := s.withReader(ctx, func(c *conn) (err error) {
		rs, err = s.queryMessages(ctx, c, nil, selectMessageByID, id[:])
		return err
	})
	switch {
	case err != nil:
		return smsplus.Message{}, err
	case len(rs.unreadable) > 0:
		return smsplus.Message{}, rs.unreadable[0].Err
	case len(rs.messages) == 0:
		return smsplus.Message{}, smsplus.ErrNotFound
	}
	return rs.messages[0], nil
}

var selectMessagesByRef = selectMessages + `WHERE m.number IN
	(SELECT r.message FROM json_each(?) j CROSS JOIN smsplus_ref r ON r.ref = j.value)`

// ByProviderID implements [smsplus.Store]. It leaves messages out that cannot be read.
func (s *Store) ByProviderID(ctx context.Context, refs []channel.Ref) ([]smsplus.Message, error) {
	wanted, err := s.codec.Refs(refs)
	if err != nil {
		return nil, err
	}
	var rs results
	err = s.withReader(ctx, func(c *conn) (err error) {
		rs, err = s.queryMessages(ctx, c, nil, selectMessagesByRef, jsonNumbers(wanted.Keys()))
		return err
	})
	if err != nil {
		return nil, err
	}
	return wanted.KeepMessages(rs.messages), nil
}

// parked is an encoded receipt on its way into the file.
type parked struct {
	ref, key, at int64
	receipt      []byte
}

const (
	insertParked = `INSERT INTO smsplus_parked (ref, key, at, receipt) VALUES (?, ?, ?, ?)
ON CONFLICT (ref, key) DO NOTHING`

	selectParked = "SELECT p.ref, p.key, p.receipt FROM json_each(?) j CROSS JOIN smsplus_parked p ON p.ref = j.value"

	deleteOneParked = "DELETE FROM smsplus_parked WHERE ref = ? AND key = ?"

	deleteParkedOfRefs = "DELETE FROM smsplus_parked WHERE ref IN (SELECT value FROM json_each(?))"
)

// Park implements [smsplus.Store].
func (s *Store) Park(ctx context.Context, rs []channel.Receipt) error {
	ps := make([]parked, len(rs))
	for i := range rs {
		r := rs[i]
		refs, err := s.codec.RefKeys(r.Ref())
		if err != nil {
			return err
		}
		ps[i] = parked{ref: refs[0], at: microtime.Of(r.At)}
		if ps[i].receipt, ps[i].key, err = s.codec.EncodeReceipt(&r); err != nil {
			return err
		}
	}
	_, err := submitWrite(ctx, s, func(w *writer) (struct{}, error) {
		for _, p := range ps {
			if err := w.exec(writerCtx, insertParked, p.ref, p.key, p.at, p.receipt); err != nil {
				return struct{}{}, err
			}
		}
		return struct{}{}, nil
	})
	return err
}

// queryParked calls each with the receipts parked under the refs, and their ref and key in
// the table. It leaves receipts out that cannot be decoded: they stay until they can be, or
// are purged.
func (s *Store) queryParked(
	ctx context.Context, c *conn, wanted rowcodec.Refs, each func(p parked, r channel.Receipt),
) error {
	return c.query(ctx, selectParked, []driver.Value{jsonNumbers(wanted.Keys())}, func(row []driver.Value) error {
		r, err := s.codec.DecodeReceipt(blob(row[2]))
		if err == nil && wanted.Has(r.Ref()) {
			each(parked{ref: integer(row[0]), key: integer(row[1])}, r)
		}
		return nil
	})
}

// Parked implements [smsplus.Store].
func (s *Store) Parked(ctx context.Context, refs []channel.Ref) ([]channel.Receipt, error) {
	wanted, err := s.codec.Refs(refs)
	if err != nil {
		return nil, err
	}
	var rs []channel.Receipt
	err = s.withReader(ctx, func(c *conn) error {
		return s.queryParked(ctx, c, wanted, func(_ parked, r channel.Receipt) { rs = append(rs, r) })
	})
	return rs, err
}

// Unpark implements [smsplus.Store]. It drops only what Parked returns, so that no receipt
// is lost that could not be decoded.
func (s *Store) Unpark(ctx context.Context, refs []channel.Ref) error {
	unwanted, err := s.codec.Refs(refs)
	if err != nil {
		return err
	}
	_, err = submitWrite(ctx, s, func(w *writer) (struct{}, error) {
		var drop []parked
		err := s.queryParked(writerCtx, w.conn, unwanted, func(p parked, _ channel.Receipt) { drop = append(drop, p) })
		for i := 0; i < len(drop) && err == nil; i++ {
			err = w.exec(writerCtx, deleteOneParked, drop[i].ref, drop[i].key)
		}
		return struct{}{}, err
	})
	return err
}

const selectParkedAfter = "SELECT ref, key, receipt FROM smsplus_parked WHERE (ref, key) > (?, ?) ORDER BY ref, key LIMIT ?"

// ListParked implements [smsplus.Store]. The order is that of the table's key, which is
// made of hashes. A page leaves receipts out that cannot be decoded.
func (s *Store) ListParked(
	ctx context.Context, after string, limit int,
) (rs []channel.Receipt, next string, err error) {
	if limit <= 0 {
		return nil, "", fmt.Errorf("sqlitestore: the limit of ListParked is not positive (%d)", limit)
	}
	last := parked{ref: math.MinInt64, key: math.MinInt64} // before the first: no hash is that
	if after != "" {
		if last, err = parseParkedCursor(after); err != nil {
			return nil, "", err
		}
	}
	n, args := 0, []driver.Value{last.ref, last.key, onePast(limit)}
	err = s.withReader(ctx, func(c *conn) error {
		return c.query(ctx, selectParkedAfter, args, func(row []driver.Value) error {
			if n++; n > limit {
				next = last.cursor()
				return nil
			}
			last = parked{ref: integer(row[0]), key: integer(row[1])}
			if r, err := s.codec.DecodeReceipt(blob(row[2])); err == nil {
				rs = append(rs, r)
			}
			return nil
		})
	})
	if err != nil {
		return nil, "", err
	}
	return rs, next, nil
}

// onePast returns the LIMIT of a statement that finds out whether there are more rows than
// limit.
func onePast(limit int) int64 { return min(int64(limit), math.MaxInt64-1) + 1 }

// cursor returns the cursor of the page after the receipt.
func (p parked) cursor() string { return fmt.Sprintf("%d,%d", p.ref, p.key) }

func parseParkedCursor(cursor string) (p parked, err error) {
	ref, key, _ := strings.Cut(cursor, ",")
	p.ref, err = strconv.ParseInt(ref, 10, 64)
	if err == nil {
		p.key, err = strconv.ParseInt(key, 10, 64)
	}
	if err != nil {
		return p, fmt.Errorf("sqlitestore: not a cursor of ListParked (%d characters)", len(cursor))
	}
	return p, nil
}

// deleteParked deletes the receipts that are parked under the refs.
func (w *writer) deleteParked(refs []channel.Ref) error {
	unwanted, err := w.store.codec.Refs(refs)
	if err != nil {
		return err
	}
	return w.exec(writerCtx, deleteParkedOfRefs, jsonNumbers(unwanted.Keys()))
}
