package sqlitestore

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/rowcodec"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
)

// eraseBatchSize is the number of messages that one transaction erases.
const eraseBatchSize = 100

// Erase implements [smsplus.Eraser]. It overwrites erased data in the file. The write-ahead
// log still holds it until the log is truncated, which Erase does at its end, unless
// another process is reading. Erase cannot reach copies of the file.
func (s *Store) Erase(ctx context.Context, n phone.Number) (erased int, err error) {
	keys, err := s.codec.PhoneKeys(n)
	if err != nil {
		return 0, err
	}
	for _, key := range keys {
		for {
			n, err := submitWrite(ctx, s, func(w *writer) (int, error) { return w.eraseMessages(key) })
			erased += n
			if err != nil {
				return erased, err
			}
			if n < eraseBatchSize {
				break
			}
		}
	}
	if erased > 0 {
		if err := s.truncateWAL(ctx); err != nil {
			return erased, err
		}
	}
	left := int64(0)
	err = s.withReader(ctx, func(c *conn) error {
		for _, key := range keys {
			n, err := c.queryInt(ctx, "SELECT count(*) FROM smsplus_message WHERE phone = ?", key)
			left += n
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && left > 0 {
		err = fmt.Errorf("%w: %d were left as they are", smsplus.ErrNotFinal, left)
	}
	return erased, err
}

var (
	selectErasableMessages = selectMessages + "WHERE m.phone = ? AND m.due_at IS NULL LIMIT ?"

	selectStoredRowByID = "SELECT " + storedRowColumns + " FROM smsplus_message m WHERE m.id = ?"
)

const eraseMessage = `UPDATE smsplus_message
SET version = version + 1, claims = 0, phone = NULL, marks = ?, state = ?, fixed = ?
WHERE number = ?`

// eraseMessages erases up to eraseBatchSize final messages with the phone number's key.
func (w *writer) eraseMessages(key string) (int, error) {
	s := w.store
	ms, err := s.queryMessages(writerCtx, w.conn, w.uncommitted, selectErasableMessages, key, int64(eraseBatchSize))
	if err != nil {
		return 0, err
	}
	for i := range ms {
		m := &ms[i]
		for _, a := range m.Attempts {
			refs, err := s.refKeys([]channel.Ref{{Channel: a.Channel, ProviderID: a.ProviderID}})
			if err != nil {
				return 0, err
			}
			if err := w.deleteParked(refs); err != nil {
				return 0, err
			}
		}
		rowcodec.Redact(m)
		if err := w.overwriteErased(m); err != nil {
			return 0, err
		}
	}
	return len(ms), nil
}

// overwriteErased stores a redacted message. Its counts stay as they are.
func (w *writer) overwriteErased(m *smsplus.Message) error {
	var stored storedRow
	err := w.query(writerCtx, selectStoredRowByID, []driver.Value{m.ID[:]}, func(row []driver.Value) (err error) {
		stored, err = decodeStoredRow(row)
		return err
	})
	if err != nil {
		return err
	}
	var e encodedMessage
	if err := w.store.encodeMessage(&e, m); err != nil {
		return err
	}
	summary, err := w.summarize(&e)
	if err != nil {
		return err
	}
	if err := w.updateIndexes(stored.number, stored.triggeredAt, stored.summary, summary); err != nil {
		return err
	}
	return w.exec(writerCtx, eraseMessage, summary.encode(), e.state, e.fixed, stored.number)
}

// truncateWAL moves the write-ahead log into the file and truncates it.
func (s *Store) truncateWAL(ctx context.Context) error {
	c, err := openConn(ctx, s.path, s.options, false)
	if err != nil {
		return err
	}
	return errors.Join(c.exec(ctx, "PRAGMA wal_checkpoint(TRUNCATE)"), c.close())
}
