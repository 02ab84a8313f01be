package sqlitestore

import (
	"context"
	"database/sql/driver"
	"encoding/hex"
	"strconv"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// Update implements [smsplus.Store].
func (s *Store) Update(ctx context.Context, ms []smsplus.Message) (stale []uuid.UUID, err error) {
	drafts := make([]encodedMessage, len(ms))
	for i := range ms {
		if err := s.encodeState(&drafts[i], &ms[i]); err != nil {
			return nil, err
		}
	}
	return submitWrite(ctx, s, func(w *writer) ([]uuid.UUID, error) { return w.updateMessages(drafts) })
}

// storedRow is what an update needs to know of a stored message.
type storedRow struct {
	number, version, triggeredAt, template int64
	status                                 status.Status
	summary                                messageSummary
}

const storedRowColumns = "m.id, m.number, m.version, m.triggered_at, m.template, m.status, m.marks"

func decodeStoredRow(row []driver.Value) (storedRow, error) {
	ms, err := decodeSummary(blob(row[6]), nil)
	return storedRow{
		integer(row[1]), integer(row[2]), integer(row[3]), integer(row[4]), status.Status(integer(row[5])), ms,
	}, err
}

const updateMessage = `UPDATE smsplus_message
SET version = version + 1, claims = 0, due_at = ?, lane = ?, status = ?, tab = ?, channel = ?, marks = ?, state = ?
WHERE number = ?`

func (w *writer) updateMessages(drafts []encodedMessage) (stale []uuid.UUID, err error) {
	ids := make([]uuid.UUID, len(drafts))
	for i := range drafts {
		ids[i] = drafts[i].id
	}
	found := make(map[uuid.UUID]*storedRow, len(drafts))
	err = w.query(writerCtx, "SELECT "+storedRowColumns+" FROM json_each(?) j CROSS JOIN smsplus_message m ON m.id = unhex(j.value)",
		[]driver.Value{jsonHexIDs(ids)}, func(row []driver.Value) error {
			k, err := decodeStoredRow(row)
			found[uuid.UUID(blob(row[0]))] = &k
			return err
		})
	if err != nil {
		return nil, err
	}
	for i := range drafts {
		d := &drafts[i]
		k := found[d.id]
		if k == nil || k.version != d.version {
			stale = append(stale, d.id)
			continue
		}
		if err := w.updateRow(k, d); err != nil {
			return nil, err
		}
	}
	return stale, nil
}

// updateRow writes the draft over what is kept.
func (w *writer) updateRow(k *storedRow, d *encodedMessage) error {
	names := w.store.names
	lane, err := w.internText(names, d.lane)
	if err != nil {
		return err
	}
	channel, err := w.internText(names, d.channel)
	if err != nil {
		return err
	}
	ms, err := w.summarize(d)
	if err != nil {
		return err
	}
	err = w.exec(writerCtx, updateMessage, d.dueAt, lane, int64(d.status), int64(d.status.Group()), channel,
		ms.encode(), d.state, k.number)
	if err != nil {
		return err
	}
	if err := w.updateIndexes(k.number, k.triggeredAt, k.summary, ms); err != nil {
		return err
	}
	w.noteCounts(k.triggeredAt, appendUnits(nil, k.template, k.status, k.summary), appendUnits(nil, k.template, d.status, ms))
	k.version++
	k.status, k.summary = d.status, ms
	return nil
}

// jsonHexIDs is a JSON array of the IDs for unhex.
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

// jsonNumbers is a JSON array.
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
