package sqlitestore

import (
	"context"
	"database/sql/driver"
	"slices"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/microtime"
	"github.com/smsplus/smsplus-go/smsplus"
)

var selectMessageByID = selectMessages + "WHERE m.id = ?"

// Message implements [smsplus.Store].
func (s *Store) Message(ctx context.Context, id uuid.UUID) (smsplus.Message, error) {
	var ms []smsplus.Message
	err := s.withReader(ctx, func(c *conn) (err error) {
		ms, err = s.queryMessages(ctx, c, nil, selectMessageByID, id[:])
		return err
	})
	if err != nil {
		return smsplus.Message{}, err
	}
	if len(ms) == 0 {
		return smsplus.Message{}, smsplus.ErrNotFound
	}
	return ms[0], nil
}

// refKeys returns a JSON array of all keys under which the refs may be stored.
func (s *Store) refKeys(refs []channel.Ref) (string, error) {
	var all []int64
	for _, ref := range refs {
		keys, err := s.codec.RefKeys(ref)
		if err != nil {
			return "", err
		}
		all = append(all, keys...)
	}
	slices.Sort(all)
	return jsonNumbers(slices.Compact(all)), nil
}

var selectMessagesByRef = selectMessages + `WHERE m.number IN
	(SELECT r.message FROM json_each(?) j CROSS JOIN smsplus_ref r ON r.ref = j.value)`

// ByProviderID implements [smsplus.Store].
func (s *Store) ByProviderID(ctx context.Context, refs []channel.Ref) ([]smsplus.Message, error) {
	keys, err := s.refKeys(refs)
	if err != nil {
		return nil, err
	}
	var ms []smsplus.Message
	err = s.withReader(ctx, func(c *conn) (err error) {
		ms, err = s.queryMessages(ctx, c, nil, selectMessagesByRef, keys)
		return err
	})
	wanted := refSet(refs)
	return slices.DeleteFunc(ms, func(m smsplus.Message) bool {
		return !slices.ContainsFunc(m.Attempts, func(a smsplus.Attempt) bool {
			return wanted[channel.Ref{Channel: a.Channel, ProviderID: a.ProviderID}]
		})
	}), err
}

// refSet returns the set of the refs. Two refs may have the same key by chance, so
// results of a search by key are compared with this set.
func refSet(refs []channel.Ref) map[channel.Ref]bool {
	set := make(map[channel.Ref]bool, len(refs))
	for _, ref := range refs {
		set[ref] = true
	}
	return set
}

// parked is an encoded receipt on its way into the file.
type parked struct {
	ref, key, at int64
	receipt      []byte
}

const (
	insertParked = `INSERT INTO smsplus_parked (ref, key, at, receipt) VALUES (?, ?, ?, ?)
ON CONFLICT (ref, key) DO NOTHING`

	selectParked = "SELECT p.receipt FROM json_each(?) j CROSS JOIN smsplus_parked p ON p.ref = j.value"

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

// Parked implements [smsplus.Store].
func (s *Store) Parked(ctx context.Context, refs []channel.Ref) ([]channel.Receipt, error) {
	keys, err := s.refKeys(refs)
	if err != nil {
		return nil, err
	}
	var rs []channel.Receipt
	wanted := refSet(refs)
	err = s.withReader(ctx, func(c *conn) error {
		return c.query(ctx, selectParked, []driver.Value{keys}, func(row []driver.Value) error {
			r, err := s.codec.DecodeReceipt(blob(row[0]))
			if err == nil && wanted[r.Ref()] {
				rs = append(rs, r)
			}
			return err
		})
	})
	return rs, err
}

// Unpark implements [smsplus.Store].
func (s *Store) Unpark(ctx context.Context, refs []channel.Ref) error {
	keys, err := s.refKeys(refs)
	if err != nil {
		return err
	}
	_, err = submitWrite(ctx, s, func(w *writer) (struct{}, error) { return struct{}{}, w.deleteParked(keys) })
	return err
}

// deleteParked deletes the receipts of a JSON array of keys.
func (w *writer) deleteParked(keys string) error {
	return w.exec(writerCtx, deleteParkedOfRefs, keys)
}
