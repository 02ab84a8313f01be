package sqlitestore

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/smsplus/smsplus-go/smsplus"
)

// errTaken rolls back an Insert of which a key is taken.
var errTaken = errors.New("sqlitestore: a key is taken")

// Insert implements [smsplus.Store]. An ID that the store already holds is an error.
func (s *Store) Insert(ctx context.Context, ms []smsplus.Message) (taken map[string]smsplus.Message, err error) {
	encoded := make([]encodedMessage, len(ms))
	for i := range ms {
		if err := s.encodeMessage(&encoded[i], &ms[i]); err != nil {
			return nil, err
		}
	}
	taken, err = submitWrite(ctx, s, func(w *writer) (map[string]smsplus.Message, error) {
		keys, err := w.insertMessages(encoded)
		if len(keys) == 0 {
			return nil, err
		}
		taken, err := w.messagesByKey(keys)
		return taken, cmp.Or(err, errTaken)
	})
	if errors.Is(err, errTaken) {
		return taken, nil
	}
	return nil, err
}

var insertMessage = fmt.Sprintf(`INSERT INTO smsplus_message (%s, %s) VALUES (%s)
ON CONFLICT (key) WHERE key IS NOT NULL DO NOTHING`,
	strings.Join(fixedColumns, ", "), strings.Join(stateColumns, ", "), placeholders(len(fixedColumns)+len(stateColumns)))

// insertMessages inserts messages, and returns the keys that are taken. If there are any,
// the caller must roll back: the messages before the first taken key are inserted.
func (w *writer) insertMessages(encoded []encodedMessage) (taken []string, err error) {
	names, routes := w.store.names, w.store.routes
	var first map[string]int // for each key, the first message that has it; nil while no key is taken
	for i := range encoded {
		e := &encoded[i]
		template, err := w.internText(names, e.template)
		if err != nil {
			return nil, err
		}
		route, err := w.internText(routes, e.route)
		if err != nil {
			return nil, err
		}
		summary, err := w.summarizeMessage(e)
		if err != nil {
			return nil, err
		}
		values := append(make([]driver.Value, 0, len(fixedColumns)+len(stateColumns)),
			e.id[:], textOrNull(e.key), template, route, textOrNull(e.phone), textOrNull(e.country), e.ids.value(), e.referenceValue(), e.triggeredAt, e.fixed, e.version)
		values, err = w.appendStateValues(values, e, summary)
		if err != nil {
			return nil, err
		}
		number, err := w.insertRow(writerCtx, insertMessage, values...)
		switch {
		case isUniqueViolation(err, "smsplus_message.id"):
			return nil, fmt.Errorf("sqlitestore: Message.ID %v is there already", e.id)
		case err != nil:
			return nil, err
		case number == 0:
			if first == nil {
				first = firstByKey(encoded)
			}
			if first[e.key] < i {
				return nil, errors.New("sqlitestore: Message.Key is there twice in one Insert")
			}
			taken = append(taken, e.key)
		}
		if len(taken) > 0 {
			continue // only the keys matter now: everything is rolled back
		}
		if err := w.updateIndexes(number, e.triggeredAt, messageSummary{}, summary); err != nil {
			return nil, err
		}
		if err := w.eachRecipientID(insertRecipient, e.ids, e.triggeredAt, number); err != nil {
			return nil, err
		}
		w.noteCounts(e.triggeredAt, nil, appendUnits(nil, template, e.status, summary))
	}
	return taken, nil
}

// firstByKey returns for each key the index of the first message that has it.
func firstByKey(encoded []encodedMessage) map[string]int {
	first := make(map[string]int, len(encoded))
	for i := range encoded {
		if _, ok := first[encoded[i].key]; !ok {
			first[encoded[i].key] = i
		}
	}
	return first
}

const (
	insertRecipient = "INSERT INTO smsplus_recipient (hash, triggered_at, message) VALUES (?, ?, ?)"
	deleteRecipient = "DELETE FROM smsplus_recipient WHERE hash = ? AND triggered_at = ? AND message = ?"
)

// eachRecipientID executes insertRecipient or deleteRecipient for each ID of a message.
func (w *writer) eachRecipientID(sql string, ids recipientIDs, triggeredAt, number int64) error {
	for _, id := range ids {
		if err := w.exec(writerCtx, sql, id[:], triggeredAt, number); err != nil {
			return err
		}
	}
	return nil
}

var selectMessageByKey = selectMessages + "WHERE m.key = ?"

// messagesByKey returns the messages that have the keys. One that cannot be read is an
// error, because its content cannot be compared.
func (w *writer) messagesByKey(keys []string) (map[string]smsplus.Message, error) {
	found := make(map[string]smsplus.Message, len(keys))
	for _, key := range keys {
		rs, err := w.store.queryMessages(writerCtx, w.conn, w.uncommitted, selectMessageByKey, key)
		if err != nil {
			return nil, err
		}
		if len(rs.unreadable) > 0 {
			return nil, rs.unreadable[0].Err
		}
		for _, m := range rs.messages {
			found[key] = m
		}
	}
	return found, nil
}

// summarizeMessage returns the summary of e, with numbers for the names of channels.
func (w *writer) summarizeMessage(e *encodedMessage) (messageSummary, error) {
	for i, name := range e.channels {
		n, err := w.internText(w.store.names, name)
		if err != nil {
			return messageSummary{}, err
		}
		e.attempts[i].channel = n
	}
	return messageSummary{e.read, e.attempts}, nil
}

const (
	insertTried = "INSERT INTO smsplus_tried (channel, triggered_at, message) VALUES (?, ?, ?)"
	deleteTried = "DELETE FROM smsplus_tried WHERE channel = ? AND triggered_at = ? AND message = ?"
	insertRef   = "INSERT INTO smsplus_ref (ref, message) VALUES (?, ?)"
	deleteRef   = "DELETE FROM smsplus_ref WHERE ref = ? AND message = ?"
)

// updateIndexes updates the tables that find a message by the channels and the provider
// IDs of its attempts, when its summary changes.
func (w *writer) updateIndexes(number, triggeredAt int64, before, after messageSummary) error {
	removed, added := difference(before.distinctChannels(), after.distinctChannels())
	for _, channel := range removed {
		if err := w.exec(writerCtx, deleteTried, channel, triggeredAt, number); err != nil {
			return err
		}
	}
	for _, channel := range added {
		if err := w.exec(writerCtx, insertTried, channel, triggeredAt, number); err != nil {
			return err
		}
	}
	removed, added = difference(before.distinctRefs(), after.distinctRefs())
	for _, ref := range removed {
		if err := w.exec(writerCtx, deleteRef, ref, number); err != nil {
			return err
		}
	}
	for _, ref := range added {
		if err := w.exec(writerCtx, insertRef, ref, number); err != nil {
			return err
		}
	}
	return nil
}

// difference returns the numbers that are only in before, and those only in after.
func difference(before, after []int64) (removed, added []int64) {
	for _, n := range before {
		if !slices.Contains(after, n) {
			removed = append(removed, n)
		}
	}
	for _, n := range after {
		if !slices.Contains(before, n) {
			added = append(added, n)
		}
	}
	return removed, added
}
