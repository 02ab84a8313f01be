package sqlitestore

import (
	"cmp"
	"context"
	"database/sql/driver"
	"slices"
	"time"

	"github.com/smsplus/smsplus-go/internal/microtime"
)

// purgeBatchSize is how many messages and receipts are dropped in one transaction: others
// have their turn in between.
const purgeBatchSize = 500

// Purge implements [smsplus.Store]. What is dropped is not counted any more. It takes a
// transaction for every few hundred.
func (s *Store) Purge(ctx context.Context, before time.Time, limit int) (dropped int, err error) {
	us := microtime.Ceil(before)
	for dropped < limit {
		batch := min(limit-dropped, purgeBatchSize)
		n, err := submitWrite(ctx, s, func(w *writer) (int, error) { return w.purgeRows(us, batch) })
		dropped += n
		if err != nil || n < batch {
			return dropped, err
		}
	}
	return dropped, ctx.Err()
}

// purgeable is what may be purged, a message or a parked receipt.
type purgeable struct {
	time int64
	row  *storedRow
	ref  int64
	key  int64
}

func (w *writer) purgeRows(before int64, limit int) (dropped int, err error) {
	var olds []purgeable
	err = w.query(writerCtx, "SELECT "+storedRowColumns+" FROM smsplus_message m INDEXED BY smsplus_message_time "+
		"WHERE m.triggered_at < ? AND m.due_at IS NULL ORDER BY m.triggered_at LIMIT ?",
		[]driver.Value{before, int64(limit)}, func(row []driver.Value) error {
			k, err := decodeStoredRow(row)
			olds = append(olds, purgeable{time: k.triggeredAt, row: &k})
			return err
		})
	if err != nil {
		return 0, err
	}
	err = w.query(writerCtx, "SELECT at, ref, key FROM smsplus_parked INDEXED BY smsplus_parked_at WHERE at < ? ORDER BY at LIMIT ?",
		[]driver.Value{before, int64(limit)}, func(row []driver.Value) error {
			olds = append(olds, purgeable{time: integer(row[0]), ref: integer(row[1]), key: integer(row[2])})
			return nil
		})
	if err != nil {
		return 0, err
	}
	slices.SortStableFunc(olds, func(a, b purgeable) int { return cmp.Compare(a.time, b.time) })
	olds = olds[:min(len(olds), limit)]
	for _, o := range olds {
		if o.row != nil {
			err = w.deleteMessage(o.row)
		} else {
			err = w.exec(writerCtx, "DELETE FROM smsplus_parked WHERE ref = ? AND key = ?", o.ref, o.key)
		}
		if err != nil {
			return 0, err
		}
	}
	return len(olds), nil
}

// deleteMessage deletes a message and all that is kept of it elsewhere.
func (w *writer) deleteMessage(k *storedRow) error {
	if err := w.exec(writerCtx, "DELETE FROM smsplus_message WHERE number = ?", k.number); err != nil {
		return err
	}
	if err := w.updateIndexes(k.number, k.triggeredAt, k.summary, messageSummary{}); err != nil {
		return err
	}
	w.noteCounts(k.triggeredAt, appendUnits(nil, k.template, k.status, k.summary), nil)
	return nil
}
