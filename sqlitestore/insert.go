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
	drafts := make([]draft, len(ms))
	for i := range ms {
		if err := s.encode(&drafts[i], &ms[i]); err != nil {
			return nil, err
		}
	}
	taken, err = write(ctx, s, func(w *writer) (map[string]smsplus.Message, error) {
		keys, err := w.insert(drafts)
		if len(keys) == 0 {
			return nil, err
		}
		taken, err := w.holders(keys)
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

// insert adds messages, and returns the keys that are taken.
func (w *writer) insert(drafts []draft) (taken []string, err error) {
	names, routes := w.store.names, w.store.routes
	for i := range drafts {
		d := &drafts[i]
		var numbers [3]int64
		for i, name := range []string{d.lane, d.channel, d.template} {
			if numbers[i], err = w.numberOf(names, name); err != nil {
				return nil, err
			}
		}
		route, err := w.numberOf(routes, d.route)
		if err != nil {
			return nil, err
		}
		ms, err := w.marks(d)
		if err != nil {
			return nil, err
		}
		number, err := w.conn.insert(unstoppable, insertMessage, d.version, int64(d.claims), d.dueAt, numbers[0],
			int64(d.status), int64(d.status.Group()), numbers[1], d.triggeredAt, numbers[2], route,
			d.id[:], orNull(d.key), orNull(d.phone), orNull(d.country), ms.encode(), d.state, d.fixed)
		switch {
		case isConstraint(err, "smsplus_message.id"):
			return nil, fmt.Errorf("sqlitestore: Message.ID %v is there already", d.id)
		case err != nil:
			return nil, err
		case number == 0 && slices.ContainsFunc(drafts[:i], func(o draft) bool { return o.key == d.key }):
			return nil, errors.New("sqlitestore: Message.Key is there twice in one Insert")
		case number == 0:
			taken = append(taken, d.key)
		}
		if len(taken) > 0 {
			continue // all will be undone
		}
		if err := w.index(number, d.triggeredAt, marks{}, ms); err != nil {
			return nil, err
		}
		w.recount(d.triggeredAt, nil, tallies(nil, numbers[2], d.status, ms))
	}
	return taken, nil
}

// holders returns the messages that have the keys.
func (w *writer) holders(keys []string) (map[string]smsplus.Message, error) {
	holders := make(map[string]smsplus.Message, len(keys))
	for _, key := range keys {
		ms, err := w.store.messages(unstoppable, w.conn, w.fresh, "SELECT "+columns+" FROM smsplus_message m WHERE m.key = ?", key)
		if err != nil {
			return nil, err
		}
		for _, m := range ms {
			holders[key] = m
		}
	}
	return holders, nil
}

// marks returns the marks of a draft.
func (w *writer) marks(d *draft) (marks, error) {
	for i, name := range d.channels {
		n, err := w.numberOf(w.store.names, name)
		if err != nil {
			return marks{}, err
		}
		d.attempts[i].channel = n
	}
	return marks{d.read, d.attempts}, nil
}

// index enters what a message's marks are, and no longer were, into the tables that
// are looked into by channel and by provider ID.
func (w *writer) index(number, triggeredAt int64, was, is marks) error {
	err := change(was.channels(), is.channels(), func(channel int64) error {
		err := w.exec(unstoppable, "DELETE FROM smsplus_tried WHERE channel = ? AND triggered_at = ? AND message = ?",
			channel, triggeredAt, number)
		return err
	}, func(channel int64) error {
		err := w.exec(unstoppable, "INSERT INTO smsplus_tried (channel, triggered_at, message) VALUES (?, ?, ?)",
			channel, triggeredAt, number)
		return err
	})
	if err != nil {
		return err
	}
	return change(was.refs(), is.refs(), func(ref int64) error {
		err := w.exec(unstoppable, "DELETE FROM smsplus_ref WHERE ref = ? AND message = ?", ref, number)
		return err
	}, func(ref int64) error {
		err := w.exec(unstoppable, "INSERT INTO smsplus_ref (ref, message) VALUES (?, ?)", ref, number)
		return err
	})
}

// change calls drop with what was and is not, and add with what is and was not.
func change(was, is []int64, drop, add func(int64) error) error {
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
