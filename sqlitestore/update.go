package sqlitestore

import (
	"context"
	"database/sql/driver"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

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

var updateMessage = fmt.Sprintf("UPDATE smsplus_message SET version = version + 1, (%s) = (%s) WHERE number = ?",
	strings.Join(stateColumns, ", "), placeholders(len(stateColumns)))

// placeholders returns n parameters of a statement.
func placeholders(n int) string { return strings.Repeat("?, ", n-1) + "?" }

// appendStateValues adds the values of stateColumns, with numbers for names.
func (w *writer) appendStateValues(
	values []driver.Value, e *encodedMessage, summary messageSummary,
) ([]driver.Value, error) {
	lane, err := w.internText(w.store.names, e.lane)
	if err != nil {
		return nil, err
	}
	channel, err := w.internText(w.store.names, e.channel)
	if err != nil {
		return nil, err
	}
	return append(values, e.claims, e.sending, e.holder, e.dueAt, lane,
		int64(e.status), int64(e.status.Group()), channel, textOrNull(e.reasons), summary.encode(), e.state), nil
}

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
	summary, err := w.summarizeMessage(e)
	if err != nil {
		return err
	}
	values, err := w.appendStateValues(make([]driver.Value, 0, len(stateColumns)+1), e, summary)
	if err != nil {
		return err
	}
	if err := w.exec(writerCtx, updateMessage, append(values, stored.number)...); err != nil {
		return err
	}
	if err := w.updateIndexes(stored.number, stored.triggeredAt, stored.summary, summary); err != nil {
		return err
	}
	w.noteUpdate(stored, e.status, summary)
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
