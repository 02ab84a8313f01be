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

// Message implements [smsplus.Store].
func (s *Store) Message(ctx context.Context, id uuid.UUID) (smsplus.Message, error) {
	var ms []smsplus.Message
	err := s.withReader(ctx, func(c *conn) (err error) {
		ms, err = s.queryMessages(ctx, c, nil, "SELECT "+messageColumns+" FROM smsplus_message m WHERE m.id = ?", id[:])
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

// refKeys is a JSON array of what the refs may be filed under.
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

// ByProviderID implements [smsplus.Store].
func (s *Store) ByProviderID(ctx context.Context, refs []channel.Ref) ([]smsplus.Message, error) {
	keys, err := s.refKeys(refs)
	if err != nil {
		return nil, err
	}
	var ms []smsplus.Message
	err = s.withReader(ctx, func(c *conn) (err error) {
		ms, err = s.queryMessages(ctx, c, nil, "SELECT "+messageColumns+" FROM smsplus_message m WHERE m.number IN "+
			"(SELECT r.message FROM json_each(?) j CROSS JOIN smsplus_ref r ON r.ref = j.value)", keys)
		return err
	})
	wanted := refSet(refs)
	return slices.DeleteFunc(ms, func(m smsplus.Message) bool {
		return !slices.ContainsFunc(m.Attempts, func(a smsplus.Attempt) bool {
			return wanted[channel.Ref{Channel: a.Channel, ProviderID: a.ProviderID}]
		})
	}), err
}

// refSet is for what was found by keys, which may by chance be another's too.
func refSet(refs []channel.Ref) map[channel.Ref]bool {
	set := make(map[channel.Ref]bool, len(refs))
	for _, ref := range refs {
		set[ref] = true
	}
	return set
}

// parked is a receipt on its way in.
type parked struct {
	ref, key, at int64
	receipt      []byte
}

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
			err := w.exec(writerCtx, "INSERT INTO smsplus_parked (ref, key, at, receipt) VALUES (?, ?, ?, ?) "+
				"ON CONFLICT (ref, key) DO NOTHING", p.ref, p.key, p.at, p.receipt)
			if err != nil {
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
		return c.query(ctx, "SELECT p.receipt FROM json_each(?) j CROSS JOIN smsplus_parked p ON p.ref = j.value",
			[]driver.Value{keys}, func(row []driver.Value) error {
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

func (w *writer) deleteParked(keys string) error {
	return w.exec(writerCtx, "DELETE FROM smsplus_parked WHERE ref IN (SELECT value FROM json_each(?))", keys)
}
