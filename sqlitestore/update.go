package sqlitestore

import (
	"context"
	"database/sql/driver"
	"encoding/hex"
	"strconv"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/smsplus"
)

// Update implements [smsplus.Store].
func (s *Store) Update(ctx context.Context, ms []smsplus.Message) (stale []uuid.UUID, err error) {
	encoded := make([]encodedMessage, len(ms))
	for i := range ms {
		if err := s.encodeState(&encoded[i], &ms[i]); err != nil {
			return nil, err
		}
	}
	return submitWrite(ctx, s, func(w *writer) ([]uuid.UUID, error) { return w.updateMessages(encoded) })
}

var selectStoredRowsByID = "SELECT " + storedRowColumns +
	" FROM json_each(?) j CROSS JOIN smsplus_message m ON m.id = unhex(j.value)"

const updateMessage = `UPDATE smsplus_message
SET version = version + 1, claims = ?, sending = ?, holder = ?, due_at = ?, lane = ?, status = ?, tab = ?, channel = ?,
	marks = ?, state = ?
WHERE number = ?`

// updateMessages updates the messages whose version is the stored one, and returns the
// IDs of the others. A message that occurs twice is stale the second time, because the
// first update raised its version.
func (w *writer) updateMessages(encoded []encodedMessage) (stale []uuid.UUID, err error) {
	ids := make([]uuid.UUID, len(encoded))
	for i := range encoded {
		ids[i] = encoded[i].id
	}
	found := make(map[uuid.UUID]*storedRow, len(encoded))
	err = w.query(writerCtx, selectStoredRowsByID, []driver.Value{jsonHexIDs(ids)}, func(row []driver.Value) error {
		stored, err := decodeStoredRow(row)
		found[uuid.UUID(blob(row[storedID]))] = &stored
		return err
	})
	if err != nil {
		return nil, err
	}
	for i := range encoded {
		e := &encoded[i]
		stored := found[e.id]
		if stored == nil || stored.version != e.version {
			stale = append(stale, e.id)
			continue
		}
		if err := w.updateRow(stored, e); err != nil {
			return nil, err
		}
	}
	return stale, nil
}

// updateRow replaces the state of a stored message with e, and updates stored to match.
func (w *writer) updateRow(stored *storedRow, e *encodedMessage) error {
	names := w.store.names
	lane, err := w.internText(names, e.lane)
	if err != nil {
		return err
	}
	channel, err := w.internText(names, e.channel)
	if err != nil {
		return err
	}
	summary, err := w.summarize(e)
	if err != nil {
		return err
	}
	err = w.exec(writerCtx, updateMessage, e.claims, e.sending, e.holder, e.dueAt, lane,
		int64(e.status), int64(e.status.Group()), channel, summary.encode(), e.state, stored.number)
	if err != nil {
		return err
	}
	if err := w.updateIndexes(stored.number, stored.triggeredAt, stored.summary, summary); err != nil {
		return err
	}
	w.noteCounts(stored.triggeredAt, appendUnits(nil, stored.template, stored.status, stored.summary),
		appendUnits(nil, stored.template, e.status, summary))
	stored.version++
	stored.status, stored.summary = e.status, summary
	return nil
}

// jsonHexIDs returns a JSON array of the IDs in hexadecimal, for SQLite's unhex.
func jsonHexIDs(ids []uuid.UUID) string {
	b := make([]byte, 0, 2+len(ids)*(2*16+3))
	b = append(b, '[')
	for i, id := range ids {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(hex.AppendEncode(append(b, '"'), id[:]), '"')
	}
	return string(append(b, ']'))
}

// jsonNumbers returns a JSON array of the numbers.
func jsonNumbers(ns []int64) string {
	b := []byte{'['}
	for i, n := range ns {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, n, 10)
	}
	return string(append(b, ']'))
}
