package sqlitestore

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/rowcodec"
	"github.com/smsplus/smsplus-go/smsplus"
)

// eraseBatchSize is the number of messages that one transaction erases.
const eraseBatchSize = 100

// Erase implements [smsplus.Eraser]. It overwrites erased data in the file. The write-ahead
// log still holds it until the log is truncated, which Erase does at its end, unless
// another process is reading. Erase cannot reach copies of the file. A message that cannot
// be read is left as it is, and the error wraps [smsplus.ErrUnreadable].
func (s *Store) Erase(ctx context.Context, person channel.Recipient) (erased int, err error) {
	keys, err := s.personKeys(person)
	if err != nil {
		return 0, err
	}
	unreadable := make(map[uuid.UUID]bool)
	for _, key := range keys {
		for after, more := int64(0), true; more; {
			batch, err := submitWrite(ctx, s, func(w *writer) (eraseBatch, error) { return w.eraseMessages(person, key, after) })
			erased += batch.erased
			if err != nil {
				return erased, err
			}
			for _, u := range batch.unreadable {
				unreadable[u.ID] = true
			}
			after, more = batch.last, batch.size == eraseBatchSize
		}
	}
	if erased > 0 {
		if err := s.truncateWAL(ctx); err != nil {
			return erased, err
		}
	}
	left, err := s.countOpenMessages(ctx, person, keys)
	if err != nil {
		return erased, err
	}
	if left > 0 {
		err = fmt.Errorf("%w: %d were left as they are", smsplus.ErrNotFinal, left)
	}
	if len(unreadable) > 0 {
		err = errors.Join(err, fmt.Errorf("%w: %d were left as they are", smsplus.ErrUnreadable, len(unreadable)))
	}
	return erased, err
}

// hasEnded is the condition of [smsplus.Message.HasEnded].
const hasEnded = "(m.due_at IS NULL OR m.lane IS (SELECT number FROM smsplus_name WHERE name = '" + string(smsplus.OutcomeLane) + "'))"

// personKey is a key under which messages to a person may be stored, and the tables that
// have it.
type personKey struct {
	from  string // of a message m, up to the placeholder of value
	value driver.Value
}

// erasable returns the statement that selects final messages with the key, a batch of them
// after a number.
func (k personKey) erasable() string {
	return "SELECT " + writableColumns + " FROM " + k.from + " AND " + hasEnded + " AND m.number > ? ORDER BY m.number LIMIT ?"
}

// open returns the statement that selects the other messages with the key.
func (k personKey) open() string {
	return "SELECT " + messageColumns + " FROM " + k.from + " AND NOT " + hasEnded
}

// personKeys returns the keys of a person's number and IDs.
func (s *Store) personKeys(person channel.Recipient) ([]personKey, error) {
	phones, err := s.codec.PhoneKeys(person.Phone)
	if err != nil {
		return nil, err
	}
	ids, err := s.codec.PersonKeys(person)
	if err != nil {
		return nil, err
	}
	var keys []personKey
	for _, phone := range phones {
		keys = append(keys, personKey{"smsplus_message m WHERE m.phone = ?", phone})
	}
	for _, id := range ids {
		keys = append(keys, personKey{"smsplus_recipient r CROSS JOIN smsplus_message m ON m.number = r.message WHERE r.hash = ?", id[:]})
	}
	return keys, nil
}

// countOpenMessages returns the number of messages to a person that have not ended. A message
// that cannot be read counts: nothing tells whose it is if it was found by an ID.
func (s *Store) countOpenMessages(ctx context.Context, person channel.Recipient, keys []personKey) (open int, err error) {
	found := make(map[uuid.UUID]bool)
	err = s.withReader(ctx, func(c *conn) error {
		for _, key := range keys {
			err := c.query(ctx, key.open(), []driver.Value{key.value}, func(row []driver.Value) error {
				m, err := s.decodeRow(ctx, c, nil, row)
				switch {
				case errors.Is(err, smsplus.ErrUnreadable):
					found[newUnreadable(row, err).ID] = true
					return nil
				case err == nil && m.To.SharesAddress(person):
					found[m.ID] = true
				}
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return len(found), err
}

// eraseBatch is the result of one transaction of Erase.
type eraseBatch struct {
	size       int // the messages that were looked at
	erased     int
	unreadable []smsplus.Unreadable
	last       int64 // the number of the last message; the next batch begins after it
}

var selectStoredRowByID = "SELECT " + storedRowColumns + " FROM smsplus_message m WHERE m.id = ?"

const eraseMessage = `UPDATE smsplus_message
SET version = version + 1, phone = NULL, recipient_ids = NULL, marks = ?, state = ?, fixed = ?
WHERE number = ?`

// eraseMessages erases final messages to a person that have the key, of up to
// eraseBatchSize after the one with the given number. A message with an equal ID on another
// channel has the key too, and is another person's.
func (w *writer) eraseMessages(person channel.Recipient, key personKey, after int64) (batch eraseBatch, err error) {
	var rs results
	args := []driver.Value{key.value, after, int64(eraseBatchSize)}
	err = w.query(writerCtx, key.erasable(), args, func(row []driver.Value) error {
		batch.size++
		batch.last = integer(row[colNumber])
		m, err := w.decodeWritableRow(row)
		if err == nil && !m.To.SharesAddress(person) {
			return nil
		}
		return rs.add(row, m, err)
	})
	if err != nil {
		return eraseBatch{}, err
	}
	for i := range rs.messages {
		m := &rs.messages[i]
		if err := w.deleteParked(rowcodec.MessageRefs(m)); err != nil {
			return eraseBatch{}, err
		}
		rowcodec.Redact(m)
		if err := w.overwriteErased(m); err != nil {
			return eraseBatch{}, err
		}
	}
	batch.erased, batch.unreadable = len(rs.messages), rs.unreadable
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
	summary, err := w.summarizeMessage(&e)
	if err != nil {
		return err
	}
	if err := w.updateIndexes(stored.number, stored.triggeredAt, stored.summary, summary); err != nil {
		return err
	}
	if err := w.eachRecipientID(deleteRecipient, stored.ids, stored.triggeredAt, stored.number); err != nil {
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
