package pgstore

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/internal/rowcodec"
	"github.com/smsplus/smsplus-go/smsplus"
)

// Update implements [smsplus.Store].
func (s *Store) Update(ctx context.Context, ms []smsplus.Message) (stale []uuid.UUID, err error) {
	var (
		ids         = make([][16]byte, 0, len(ms))
		triggeredAt []time.Time // only with partitions
		states      = newCompositeArray()
	)
	defer s.releaseArrays(states)
	for _, m := range sortForLocking(ms, func(a, b *smsplus.Message) int { return bytes.Compare(a.ID[:], b.ID[:]) }) {
		if n := len(ids); n > 0 && ids[n-1] == m.ID { // the one before it in the batch changes the version
			stale = append(stale, m.ID)
			continue
		}
		ids = append(ids, m.ID)
		if s.layout.partitioned {
			triggeredAt = append(triggeredAt, m.TriggeredAt)
		}
		if err := appendUpdate(states, s.codec, m); err != nil {
			return nil, fmt.Errorf("pgstore: update: %w", err)
		}
	}
	defer s.idle.noteWrite()()
	sql := s.statements.update.textForTimes(triggeredAt)
	var updated [][16]byte
	err = s.retryCall(ctx, "update", func(ctx context.Context) error {
		conn, err := s.acquireConn(ctx)
		if err != nil {
			return err
		}
		defer conn.Release()
		return conn.QueryRow(ctx, sql, states).Scan(&updated)
	})
	if err != nil {
		return nil, err
	}
	if len(updated) < len(ids) {
		isUpdated := make(map[[16]byte]bool, len(updated))
		for _, id := range updated {
			isUpdated[id] = true
		}
		for _, id := range ids {
			if !isUpdated[id] {
				stale = append(stale, id)
			}
		}
	}
	return stale, nil
}

// appendUpdate adds the state of a message that sql/update.sql writes.
func appendUpdate(a *compositeArray, codec *rowcodec.Codec, m *smsplus.Message) (err error) {
	r := newRow{Message: m, tally: encodeTally(m), reasons: rowcodec.EncodeReasons(m)}
	if r.body, err = codec.EncodeState(m); err != nil {
		return err
	}
	var hashes []byte // a word for each of the tally's, whose first is the message's status
	for i := range m.Attempts {
		if r.lastHash, err = providerIDHash(codec, &m.Attempts[i]); err != nil {
			return err
		}
		r.lastChannel = attemptChannel(m, i)
		if len(m.Attempts) > 1 {
			hashes = append(hashes, ' ')
			if r.lastHash.Valid {
				hashes = strconv.AppendInt(hashes, r.lastHash.Int64, 10)
			}
		}
	}
	r.hashes = string(hashes)
	newStateType.addRow(a, r)
	return nil
}
