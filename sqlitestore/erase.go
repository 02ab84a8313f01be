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

// eraseBatch is how many messages are erased in one transaction.
const eraseBatch = 100

// Erase implements [smsplus.Eraser]. What stood in the file is overwritten there; the
// write-ahead log has it until it is begun anew, which Erase does at its end unless
// another process is reading. Copies of the file are nothing that it can reach.
func (s *Store) Erase(ctx context.Context, n phone.Number) (erased int, err error) {
	keys, err := s.codec.PhoneKeys(n)
	if err != nil {
		return 0, err
	}
	for _, key := range keys {
		for {
			n, err := write(ctx, s, func(w *writer) (int, error) { return w.erase(key) })
			erased += n
			if err != nil {
				return erased, err
			}
			if n < eraseBatch {
				break
			}
		}
	}
	if erased > 0 {
		if err := s.truncate(ctx); err != nil {
			return erased, err
		}
	}
	left := int64(0)
	err = s.reading(ctx, func(c *conn) error {
		for _, key := range keys {
			n, err := c.number(ctx, "SELECT count(*) FROM smsplus_message WHERE phone = ?", key)
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

const eraseMessage = `UPDATE smsplus_message
SET version = version + 1, claims = 0, phone = NULL, marks = ?, state = ?, fixed = ?
WHERE number = ?`

// erase forgets some of the messages that have the key and have ended.
func (w *writer) erase(key string) (int, error) {
	s := w.store
	ms, err := s.messages(unstoppable, w.conn, w.fresh, "SELECT "+columns+" FROM smsplus_message m "+
		"WHERE m.phone = ? AND m.due_at IS NULL LIMIT ?", key, int64(eraseBatch))
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
			if err := w.unpark(refs); err != nil {
				return 0, err
			}
		}
		rowcodec.Forget(m)
		if err := w.forget(m); err != nil {
			return 0, err
		}
	}
	return len(ms), nil
}

// forget writes a message that was forgotten over what is stored.
func (w *writer) forget(m *smsplus.Message) error {
	var k kept
	err := w.query(unstoppable, "SELECT "+keptColumns+" FROM smsplus_message m WHERE m.id = ?", []driver.Value{m.ID[:]},
		func(row []driver.Value) (err error) {
			k, err = readKept(row)
			return err
		})
	if err != nil {
		return err
	}
	var d draft
	if err := w.store.encode(&d, m); err != nil {
		return err
	}
	ms, err := w.marks(&d)
	if err != nil {
		return err
	}
	if err := w.index(k.number, k.triggeredAt, k.marks, ms); err != nil {
		return err
	}
	return w.exec(unstoppable, eraseMessage, ms.encode(), d.state, d.fixed, k.number)
}

// truncate puts the write-ahead log into the file and begins it anew.
func (s *Store) truncate(ctx context.Context) error {
	c, err := dial(ctx, s.path, s.options, false)
	if err != nil {
		return err
	}
	return errors.Join(c.exec(ctx, "PRAGMA wal_checkpoint(TRUNCATE)"), c.close())
}
