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
// another process is reading. Erase cannot reach copies of the file. A message that cannot
// be read is left as it is, and the error wraps [smsplus.ErrUnreadable].
func (s *Store) Erase(ctx context.Context, n phone.Number) (erased int, err error) {
	keys, err := s.codec.PhoneKeys(n)
	if err != nil {
		return 0, err
	}
	unreadable := 0 // messages that cannot be read
	for _, key := range keys {
		for after, more := int64(0), true; more; {
			batch, err := submitWrite(ctx, s, func(w *writer) (eraseBatch, error) { return w.eraseMessages(key, after) })
			erased += batch.erased
			unreadable += batch.unreadableCount
			if err != nil {
				return erased, err
			}
			after, more = batch.last, batch.erased+batch.unreadableCount == eraseBatchSize
		}
	}
	if erased > 0 {
		if err := s.truncateWAL(ctx); err != nil {
			return erased, err
		}
	}
	left, err := s.countOpenMessages(ctx, keys)
	if err != nil {
		return erased, err
	}
	if left > 0 {
		err = fmt.Errorf("%w: %d were left as they are", smsplus.ErrNotFinal, left)
	}
	if unreadable > 0 {
		err = errors.Join(err, fmt.Errorf("%w: %d were left as they are", smsplus.ErrUnreadable, unreadable))
	}
	return erased, err
}

// countOpenMessages returns the number of messages with a phone number that have not ended.
func (s *Store) countOpenMessages(ctx context.Context, phoneKeys []string) (open int64, err error) {
	err = s.withReader(ctx, func(c *conn) error {
		for _, key := range phoneKeys {
			n, err := c.queryInt(ctx, "SELECT count(*) FROM smsplus_message WHERE phone = ? AND due_at IS NOT NULL", key)
			open += n
			if err != nil {
				return err
			}
		}
		return nil
	})
	return open, err
}

// eraseBatch is the result of one transaction of Erase.
type eraseBatch struct {
	erased          int
	unreadableCount int   // messages that cannot be read
	last            int64 // the number of the last message; the next batch begins after it
}

var (
	selectErasableMessages = "SELECT " + writableColumns + " FROM smsplus_message m " +
		"WHERE m.phone = ? AND m.due_at IS NULL AND m.number > ? ORDER BY m.number LIMIT ?"

	selectStoredRowByID = "SELECT " + storedRowColumns + " FROM smsplus_message m WHERE m.id = ?"
)

const eraseMessage = `UPDATE smsplus_message
SET version = version + 1, phone = NULL, marks = ?, state = ?, fixed = ?
WHERE number = ?`

// eraseMessages erases final messages with the phone number's key, up to eraseBatchSize
// after the one with the given number.
func (w *writer) eraseMessages(key string, after int64) (batch eraseBatch, err error) {
	s := w.store
	var rs results
	args := []driver.Value{key, after, int64(eraseBatchSize)}
	err = w.query(writerCtx, selectErasableMessages, args, func(row []driver.Value) error {
		batch.last = integer(row[colNumber])
		m, err := w.decodeWritableRow(row)
		return rs.add(row, m, err)
	})
	if err != nil {
		return eraseBatch{}, err
	}
	for i := range rs.messages {
		m := &rs.messages[i]
		for _, a := range m.Attempts {
			refs, err := s.refKeys([]channel.Ref{{Channel: a.Channel, ProviderID: a.ProviderID}})
			if err != nil {
				return eraseBatch{}, err
			}
			if err := w.deleteParked(refs); err != nil {
				return eraseBatch{}, err
			}
		}
		rowcodec.Redact(m)
		if err := w.overwriteErased(m); err != nil {
			return eraseBatch{}, err
		}
	}
	batch.erased, batch.unreadableCount = len(rs.messages), len(rs.unreadable)
	return batch, nil
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
	if err := s.watch.check(); err != nil {
		return err // the name refers to another file
	}
	c, err := openConn(ctx, s.path, s.options, false)
	if err != nil {
		return err
	}
	return errors.Join(c.exec(ctx, "PRAGMA wal_checkpoint(TRUNCATE)"), c.close())
}
