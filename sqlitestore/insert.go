package sqlitestore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/smsplus/smsplus-go/smsplus"
)

// errTaken undoes an Insert that found a key taken.
var errTaken = errors.New("sqlitestore: a key is taken")

// Insert implements [smsplus.Store]. An ID that the store already holds is an error.
func (s *Store) Insert(ctx context.Context, ms []smsplus.Message) (taken map[string]smsplus.Message, err error) {
	drafts := make([]encodedMessage, len(ms))
	for i := range ms {
		if err := s.encodeMessage(&drafts[i], &ms[i]); err != nil {
			return nil, err
		}
	}
	taken, err = submitWrite(ctx, s, func(w *writer) (map[string]smsplus.Message, error) {
		keys, err := w.insertMessages(drafts)
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

const insertMessage = `INSERT INTO smsplus_message (version, claims, due_at, lane, status, tab, channel, triggered_at,
	template, route, id, key, phone, country, marks, state, fixed)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (key) WHERE key IS NOT NULL DO NOTHING`

// insertMessages adds messages, and returns the keys that are taken.
func (w *writer) insertMessages(drafts []encodedMessage) (taken []string, err error) {
	names, routes := w.store.names, w.store.routes
	for i := range drafts {
		d := &drafts[i]
		var numbers [3]int64
		for i, name := range []string{d.lane, d.channel, d.template} {
			if numbers[i], err = w.internText(names, name); err != nil {
				return nil, err
			}
		}
		route, err := w.internText(routes, d.route)
		if err != nil {
			return nil, err
		}
		ms, err := w.summarize(d)
		if err != nil {
			return nil, err
		}
		number, err := w.conn.insertRow(writerCtx, insertMessage, d.version, int64(d.claims), d.dueAt, numbers[0],
			int64(d.status), int64(d.status.Group()), numbers[1], d.triggeredAt, numbers[2], route,
			d.id[:], textOrNull(d.key), textOrNull(d.phone), textOrNull(d.country), ms.encode(), d.state, d.fixed)
		switch {
		case isUniqueViolation(err, "smsplus_message.id"):
			return nil, fmt.Errorf("sqlitestore: Message.ID %v is there already", d.id)
		case err != nil:
			return nil, err
		case number == 0 && slices.ContainsFunc(drafts[:i], func(o encodedMessage) bool { return o.key == d.key }):
			return nil, errors.New("sqlitestore: Message.Key is there twice in one Insert")
		case number == 0:
			taken = append(taken, d.key)
		}
		if len(taken) > 0 {
			continue // all will be undone
		}
		if err := w.updateIndexes(number, d.triggeredAt, messageSummary{}, ms); err != nil {
			return nil, err
		}
		w.noteCounts(d.triggeredAt, nil, appendUnits(nil, numbers[2], d.status, ms))
	}
	return taken, nil
}

// messagesByKey returns the messages that have the keys.
func (w *writer) messagesByKey(keys []string) (map[string]smsplus.Message, error) {
	holders := make(map[string]smsplus.Message, len(keys))
	for _, key := range keys {
		ms, err := w.store.queryMessages(writerCtx, w.conn, w.uncommitted, "SELECT "+messageColumns+" FROM smsplus_message m WHERE m.key = ?", key)
		if err != nil {
			return nil, err
		}
		for _, m := range ms {
			holders[key] = m
		}
	}
	return holders, nil
}

// summarize returns the marks of a draft.
func (w *writer) summarize(d *encodedMessage) (messageSummary, error) {
	for i, name := range d.channels {
		n, err := w.internText(w.store.names, name)
		if err != nil {
			return messageSummary{}, err
		}
		d.attempts[i].channel = n
	}
	return messageSummary{d.read, d.attempts}, nil
}

// updateIndexes enters what a message's marks are, and no longer were, into the tables that
// are looked into by channel and by provider ID.
func (w *writer) updateIndexes(number, triggeredAt int64, was, is messageSummary) error {
	err := applyDifference(was.distinctChannels(), is.distinctChannels(), func(channel int64) error {
		err := w.exec(writerCtx, "DELETE FROM smsplus_tried WHERE channel = ? AND triggered_at = ? AND message = ?",
			channel, triggeredAt, number)
		return err
	}, func(channel int64) error {
		err := w.exec(writerCtx, "INSERT INTO smsplus_tried (channel, triggered_at, message) VALUES (?, ?, ?)",
			channel, triggeredAt, number)
		return err
	})
	if err != nil {
		return err
	}
	return applyDifference(was.distinctRefs(), is.distinctRefs(), func(ref int64) error {
		err := w.exec(writerCtx, "DELETE FROM smsplus_ref WHERE ref = ? AND message = ?", ref, number)
		return err
	}, func(ref int64) error {
		err := w.exec(writerCtx, "INSERT INTO smsplus_ref (ref, message) VALUES (?, ?)", ref, number)
		return err
	})
}

// applyDifference calls drop with what was and is not, and add with what is and was not.
func applyDifference(was, is []int64, drop, add func(int64) error) error {
	for _, n := range was {
		if !slices.Contains(is, n) {
			if err := drop(n); err != nil {
				return err
			}
		}
	}
	for _, n := range is {
		if !slices.Contains(was, n) {
			if err := add(n); err != nil {
				return err
			}
		}
	}
	return nil
}
