package smsplus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
)

// Prepare checks a trigger and returns the message it asks for, without storing
// it: for a store that inserts it in a transaction of the application's own. Its
// errors are those of a bad trigger, each an [ErrInvalidTrigger].
func (d *Dispatcher) Prepare(tr Trigger) (Message, error) {
	m, err := d.prepare(&tr)
	if err != nil {
		return Message{}, err
	}
	m.Plan = slices.Clone(m.Plan) // the caller may change it; the Dispatcher's own do not
	return *m, nil
}

func (d *Dispatcher) prepare(tr *Trigger) (*Message, error) {
	t := d.templates[tr.Template]
	if err := tr.check(t); err != nil {
		return nil, err
	}
	now := d.now()
	m := &Message{
		ID: d.cfg.NewID(), Key: tr.Key, Template: t.ID, Scenario: t.Scenario, To: tr.To,
		Vars: maps.Clone(tr.Vars), Metadata: maps.Clone(tr.Metadata), Plan: t.plan,
		Channel: t.plan[0].Channel, Lane: t.plan[0].Channel, TriggeredAt: now, DueAt: now, Version: 1,
	}
	if at := normalizeTime(tr.SendAt); at.After(now) {
		m.DueAt = at
	}
	ttl := t.TTL
	if tr.TTL != 0 {
		ttl = tr.TTL
	}
	if ttl > 0 {
		m.ExpiresAt = m.DueAt.Add(ttl)
	}
	return m, nil
}

func (tr *Trigger) check(t *registeredTemplate) error {
	if t == nil {
		return fmt.Errorf("%w: Trigger.Template: no such template is registered (%d characters)", ErrInvalidTrigger, len(tr.Template))
	}
	var bad errorList
	if tr.To.IsZero() {
		bad.add("%w: Trigger.To is required", ErrInvalidTrigger)
	}
	if tr.TTL < 0 {
		bad.add("%w: Trigger.TTL is negative (%v)", ErrInvalidTrigger, tr.TTL)
	}
	for _, name := range t.vars {
		if _, ok := tr.Vars[name]; !ok {
			bad.add("%w: Trigger.Vars: variable %q of template %q is missing", ErrInvalidTrigger, name, t.ID)
		}
	}
	if len(bad) > 0 || len(tr.Vars) > len(t.vars) {
		for name := range tr.Vars {
			if !slices.Contains(t.vars, name) {
				bad.add("%w: Trigger.Vars: template %q has no variable of that name (%d characters)", ErrInvalidTrigger, t.ID, len(name))
			}
		}
	}
	for _, id := range [...]struct{ field, value string }{{"Key", tr.Key}, {"To.LINEUserID", tr.To.LINEUserID}} {
		if len(id.value) > maxID || !validText(id.value) {
			bad.add("%w: Trigger.%s must be UTF-8 without NUL, and %d bytes at most (%d bytes)", ErrInvalidTrigger, id.field, maxID, len(id.value))
		}
	}
	for _, name := range t.vars {
		if !validText(tr.Vars[name]) {
			bad.add("%w: Trigger.Vars: variable %q must be UTF-8 without NUL", ErrInvalidTrigger, name)
		}
	}
	for name, value := range tr.Metadata {
		if !validText(name) || !validText(value) {
			bad.add("%w: Trigger.Metadata must be UTF-8 without NUL", ErrInvalidTrigger)
		}
	}
	return errors.Join(bad...)
}

// maxID bounds what stores keep in indexes, in bytes.
const maxID = 255

// validText reports whether every store can keep s: PostgreSQL takes no NUL in a
// text, and a store must not refuse a batch for one message of it.
func validText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// Send asks for a message and returns its ID once it is stored: from then on it
// ends in a final status, whatever happens to this process. With a key that was
// used before for the same template, recipient and variables it returns the first
// message's ID. Its errors wrap [ErrInvalidTrigger], [ErrKeyReused] or what the store
// returned; after one of the store's the message may be stored or not, which a key
// makes safe to repeat. Once the message is on its way to the store, the end of ctx no longer
// matters: the store's own deadline does.
func (d *Dispatcher) Send(ctx context.Context, tr Trigger) (uuid.UUID, error) {
	if err := ctx.Err(); err != nil {
		return uuid.UUID{}, err
	}
	m, err := d.prepare(&tr)
	if err != nil {
		return uuid.UUID{}, err
	}
	// The fast path: stored already claimed, a message goes straight to its lane.
	l := d.lanes[m.Channel]
	fast := d.preclaim(m, l)
	taken, err := d.storeInsert(m)
	if err != nil || taken != nil {
		if fast {
			l.cancelReservation()
		}
		if err != nil {
			return uuid.UUID{}, fmt.Errorf("smsplus: send: %w", err)
		}
		return resolveKey(m, taken)
	}
	d.observe(ctx, Triggered{m.ID, m.Template, m.Scenario, m.Channel})
	id := m.ID
	if fast {
		if l.enqueue(job{Message: m, lease: m.DueAt}) {
			runtime.Gosched() // the workers fall behind: let them run
		}
	} else if m.DueAt.Sub(m.TriggeredAt) < d.cfg.Poll {
		d.wakeClaimLoop()
	}
	return id, nil
}

// preclaim claims a message that is due now and not stored yet, if its lane has a place.
func (d *Dispatcher) preclaim(m *Message, l *lane) bool {
	if !m.dueNow() || !l.tryReserve() {
		return false
	}
	m.DueAt, m.Claims = m.TriggeredAt.Add(d.cfg.Lease), 1
	return true
}

// preclaimMany claims of many such messages as many as their lanes have places for. It
// waits for a lane that is fast: to find them in the store later is more work, and
// whoever sends more than the lanes get done would be ever further ahead of them.
func (d *Dispatcher) preclaimMany(ctx context.Context, ms []Message) {
	places := make(map[channel.Name]int)
	for i := range ms {
		if ms[i].dueNow() {
			places[ms[i].Channel]++
		}
	}
	limited, cancel := context.WithTimeout(ctx, reserveTimeout)
	defer cancel()
	for name, n := range places {
		places[name] = d.lanes[name].reserveN(limited, n, d.now())
	}
	lease := d.now().Add(d.cfg.Lease)
	for i := range ms {
		if m := &ms[i]; m.dueNow() && places[m.Channel] > 0 {
			places[m.Channel]--
			m.DueAt, m.Claims = lease, 1
		}
	}
}

// dueNow reports whether a message that is not stored yet is to be sent now.
func (m *Message) dueNow() bool { return m.DueAt.Equal(m.TriggeredAt) }

// resolveKey returns the ID of the message that holds the key, if m asks for the same.
func resolveKey(m, holder *Message) (uuid.UUID, error) {
	if m.Template != holder.Template || m.To != holder.To || !maps.Equal(m.Vars, holder.Vars) {
		return uuid.UUID{}, fmt.Errorf("%w (message %v)", ErrKeyReused, holder.ID)
	}
	return holder.ID, nil
}

// SendMany asks for many messages, all or nothing, and returns their IDs in the
// triggers' order. Keys work as in [Dispatcher.Send], within the call as well.
// Every bad trigger is named by its index. While a channel is fast and busy, SendMany
// waits up to a tenth of a second for its workers to keep up.
func (d *Dispatcher) SendMany(ctx context.Context, trs []Trigger) ([]uuid.UUID, error) {
	ids := make([]uuid.UUID, len(trs))
	ms := make([]Message, 0, len(trs))
	at := make(map[uuid.UUID]int, len(trs)) // where a message's ID goes
	keys := make(map[string]*Message)
	var bad errorList
	for i := range trs {
		m, err := d.prepare(&trs[i])
		if err != nil {
			bad.add("trigger %d: %w", i, err)
			continue
		}
		ids[i] = m.ID
		if m.Key != "" && keys[m.Key] != nil {
			if ids[i], err = resolveKey(m, keys[m.Key]); err != nil {
				bad.add("trigger %d: %w", i, err)
			}
			continue
		}
		if m.Key != "" {
			keys[m.Key] = m
		}
		at[m.ID] = i
		ms = append(ms, *m)
	}
	if len(bad) > 0 {
		return nil, errors.Join(bad...)
	}
	d.preclaimMany(ctx, ms)
	stay := func(m *Message) {
		if m.Claims > 0 {
			d.lanes[m.Channel].cancelReservation()
		}
	}
	for len(ms) > 0 {
		var taken map[string]Message
		err := d.callStore(ctx, "Insert", func(ctx context.Context) (err error) {
			taken, err = d.cfg.Store.Insert(ctx, ms)
			return err
		})
		if err != nil {
			bad.add("smsplus: send: %w", err)
		}
		if err == nil && len(taken) == 0 {
			break
		}
		// What is there already needs no insert; all the rest goes in together.
		ms = slices.DeleteFunc(ms, func(m Message) bool {
			holder, ok := taken[m.Key]
			if !ok || m.Key == "" {
				return false
			}
			stay(&m)
			id, err := resolveKey(&m, &holder)
			if err != nil {
				bad.add("trigger %d: %w", at[m.ID], err)
			}
			for i := range trs {
				if trs[i].Key == m.Key {
					ids[i] = id
				}
			}
			return true
		})
		if len(bad) > 0 {
			for i := range ms {
				stay(&ms[i])
			}
			return nil, errors.Join(bad...)
		}
	}
	waiting := false
	for i := range ms {
		m := &ms[i]
		d.observe(ctx, Triggered{m.ID, m.Template, m.Scenario, m.Channel})
		if m.Claims > 0 {
			d.lanes[m.Channel].enqueue(job{Message: m, lease: m.DueAt})
		} else {
			waiting = true
		}
	}
	if waiting {
		d.wakeClaimLoop()
	}
	return ids, nil
}
