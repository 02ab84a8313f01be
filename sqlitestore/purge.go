package sqlitestore

import (
	"cmp"
	"context"
	"database/sql/driver"
	"slices"
	"time"

	"github.com/smsplus/smsplus-go/internal/microtime"
)

// purgeBatchSize is the number of messages and receipts that one transaction purges.
// Other changes get their turn between two transactions.
const purgeBatchSize = 500

// Purge implements [smsplus.Store]. Purged messages are no longer counted. Each
// transaction purges a few hundred messages and receipts. A message stays if it is so
// damaged that its counts cannot be found.
func (s *Store) Purge(ctx context.Context, before time.Time, limit int) (dropped int, err error) {
	us := microtime.Ceil(before)
	for last := (purgeResult{}); dropped < limit; {
		batch, damaged := min(limit-dropped, purgeBatchSize), last.damaged
		last, err = submitWrite(ctx, s, func(w *writer) (purgeResult, error) { return w.purgeRows(us, damaged, batch) })
		dropped += last.dropped
		if err != nil || last.dropped+last.damaged-damaged < batch {
			return dropped, err
		}
	}
	return dropped, ctx.Err()
}

// purgeResult is the result of one transaction of Purge.
type purgeResult struct {
	dropped int
	damaged int // the messages found whose marks cannot be decoded, which stay
}

// purgeable is a message or a parked receipt that is old enough to be purged.
type purgeable struct {
	time    int64
	message *storedRow // nil for a receipt
	ref     int64      // of a receipt, as key is
	key     int64
}

var selectPurgeableMessages = "SELECT " + storedRowColumns + ` FROM smsplus_message m INDEXED BY smsplus_message_time
WHERE m.triggered_at < ? AND m.due_at IS NULL ORDER BY m.triggered_at LIMIT ?`

const selectPurgeableReceipts = `SELECT at, ref, key FROM smsplus_parked INDEXED BY smsplus_parked_at
WHERE at < ? ORDER BY at LIMIT ?`

// purgeRows purges up to limit messages and receipts, the oldest first, and the sheets of days
// whose messages were purged before. damaged is the number of damaged messages that the
// transaction before found.
func (w *writer) purgeRows(before int64, damaged, limit int) (result purgeResult, err error) {
	if err := w.exec(writerCtx, deleteOldSheets); err != nil {
		return purgeResult{}, err
	}
	var found []purgeable
	args := []driver.Value{before, int64(limit + damaged)}
	err = w.query(writerCtx, selectPurgeableMessages, args, func(row []driver.Value) error {
		stored, err := decodeStoredRow(row)
		if err != nil {
			result.damaged++ // its indexes and counts cannot be found without the marks
			return nil
		}
		found = append(found, purgeable{time: stored.triggeredAt, message: &stored})
		return nil
	})
	if err != nil {
		return purgeResult{}, err
	}
	err = w.query(writerCtx, selectPurgeableReceipts, []driver.Value{before, int64(limit)}, func(row []driver.Value) error {
		found = append(found, purgeable{time: integer(row[0]), ref: integer(row[1]), key: integer(row[2])})
		return nil
	})
	if err != nil {
		return purgeResult{}, err
	}
	slices.SortStableFunc(found, func(a, b purgeable) int { return cmp.Compare(a.time, b.time) })
	found = found[:min(len(found), limit)]
	for _, p := range found {
		if p.message != nil {
			err = w.deleteMessage(p.message)
		} else {
			err = w.exec(writerCtx, deleteOneParked, p.ref, p.key)
		}
		if err != nil {
			return purgeResult{}, err
		}
	}
	result.dropped = len(found)
	return result, nil
}

// deleteMessage deletes a message, its index entries and its counts.
func (w *writer) deleteMessage(stored *storedRow) error {
	if err := w.exec(writerCtx, "DELETE FROM smsplus_message WHERE number = ?", stored.number); err != nil {
		return err
	}
	if err := w.exec(writerCtx, "DELETE FROM smsplus_set_aside WHERE message = ?", stored.number); err != nil {
		return err
	}
	if err := w.updateIndexes(stored.number, stored.triggeredAt, stored.summary, messageSummary{}); err != nil {
		return err
	}
	if err := w.eachRecipientID(deleteRecipient, stored.ids, stored.triggeredAt, stored.number); err != nil {
		return err
	}
	w.noteCounts(stored.triggeredAt, appendUnits(nil, stored.template, stored.status, stored.summary), nil)
	return nil
}
