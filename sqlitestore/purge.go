package sqlitestore

import (
	"cmp"
	"context"
	"database/sql/driver"
	"slices"
	"time"
)

// purgeBatch is how many messages and receipts are dropped in one transaction: others
// have their turn in between.
const purgeBatch = 500

// Purge implements [smsplus.Store]. What is dropped is not counted any more. It takes a
// transaction for every few hundred.
func (s *Store) Purge(ctx context.Context, before time.Time, limit int) (dropped int, err error) {
	us := microsUp(before)
	for dropped < limit {
		batch := min(limit-dropped, purgeBatch)
		n, err := write(ctx, s, func(w *writer) (int, error) { return w.purge(us, batch) })
		dropped += n
		if err != nil || n < batch {
			return dropped, err
		}
	}
	return dropped, ctx.Err()
}

// old is what may be purged, a message or a parked receipt.
type old struct {
	at      int64
	message *kept
	ref     int64
	key     int64
}

func (w *writer) purge(before int64, limit int) (dropped int, err error) {
	var olds []old
	err = w.query(unstoppable, "SELECT "+keptColumns+" FROM smsplus_message m INDEXED BY smsplus_message_time "+
		"WHERE m.triggered_at < ? AND m.due_at IS NULL ORDER BY m.triggered_at LIMIT ?",
		[]driver.Value{before, int64(limit)}, func(row []driver.Value) error {
			k, err := readKept(row)
			olds = append(olds, old{at: k.triggeredAt, message: &k})
			return err
		})
	if err != nil {
		return 0, err
	}
	err = w.query(unstoppable, "SELECT at, ref, key FROM smsplus_parked INDEXED BY smsplus_parked_at WHERE at < ? ORDER BY at LIMIT ?",
		[]driver.Value{before, int64(limit)}, func(row []driver.Value) error {
			olds = append(olds, old{at: integer(row[0]), ref: integer(row[1]), key: integer(row[2])})
			return nil
		})
	if err != nil {
		return 0, err
	}
	slices.SortStableFunc(olds, func(a, b old) int { return cmp.Compare(a.at, b.at) })
	olds = olds[:min(len(olds), limit)]
	for _, o := range olds {
		if o.message != nil {
			err = w.drop(o.message)
		} else {
			err = w.exec(unstoppable, "DELETE FROM smsplus_parked WHERE ref = ? AND key = ?", o.ref, o.key)
		}
		if err != nil {
			return 0, err
		}
	}
	return len(olds), nil
}

// drop deletes a message and all that is kept of it elsewhere.
func (w *writer) drop(k *kept) error {
	if err := w.exec(unstoppable, "DELETE FROM smsplus_message WHERE number = ?", k.number); err != nil {
		return err
	}
	if err := w.index(k.number, k.triggeredAt, k.marks, marks{}); err != nil {
		return err
	}
	w.recount(k.triggeredAt, tallies(nil, k.template, k.status, k.marks), nil)
	return nil
}
