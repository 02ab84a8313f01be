package pgstore

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/smsplus/smsplus-go/internal/rowcodec"
	"github.com/smsplus/smsplus-go/smsplus"
)

// Update implements [smsplus.Store].
func (s *Store) Update(ctx context.Context, ms []smsplus.Message) (stale []uuid.UUID, err error) {
	var (
		ids  = make([][16]byte, 0, len(ms))
		ats  []time.Time
		next = newCompositeArray()
	)
	defer s.release(next)
	for _, m := range sortForLocking(ms, func(a, b *smsplus.Message) int { return bytes.Compare(a.ID[:], b.ID[:]) }) {
		if n := len(ids); n > 0 && ids[n-1] == m.ID { // the one before it in the batch moves the version on
			stale = append(stale, m.ID)
			continue
		}
		ids = append(ids, m.ID)
		if s.layout.partitioned {
			ats = append(ats, m.TriggeredAt)
		}
		if err := appendUpdate(next, s.codec, m); err != nil {
			return nil, fmt.Errorf("pgstore: update: %w", err)
		}
	}
	sql := s.statements.update.text(ats)
	var updated [][16]byte
	err = s.retry(ctx, "update", func(ctx context.Context) error {
		conn, err := s.acquire(ctx)
		if err != nil {
			return err
		}
		defer conn.Release()
		return conn.QueryRow(ctx, sql, next).Scan(&updated)
	})
	if err != nil {
		return nil, err
	}
	if len(updated) < len(ids) {
		moved := make(map[[16]byte]bool, len(updated))
		for _, id := range updated {
			moved[id] = true
		}
		for _, id := range ids {
			if !moved[id] {
				stale = append(stale, id)
			}
		}
	}
	return stale, nil
}

// appendUpdate adds what updateSQL replaces a message's state by.
func appendUpdate(t *compositeArray, codec *rowcodec.Codec, m *smsplus.Message) (err error) {
	var (
		names []byte
		last  string
		name  pgtype.Int8
	)
	for i := range m.Attempts {
		if name, err = providerIDHash(codec, &m.Attempts[i]); err != nil {
			return err
		}
		last = attemptChannel(m, i)
		if len(m.Attempts) > 1 {
			names = append(names, ' ')
			if name.Valid {
				names = strconv.AppendInt(names, name.Int64, 10)
			}
		}
	}
	t.beginRow()
	t.addUUID(m.ID)
	t.addTime(m.TriggeredAt)
	t.addInt8(m.Version)
	t.addTimeOrNull(m.DueAt)
	if err := appendState(t, codec, m, encodeTally(m)); err != nil {
		return err
	}
	t.addText(last)
	t.addInt8OrNull(name)
	t.addText(string(names))
	t.endRow()
	return nil
}
