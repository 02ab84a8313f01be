package smsplus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	words "github.com/smsplus/smsplus-go/internal/scrub"
)

// Prepare checks a trigger and returns the message that it asks for, without storing it.
// A store can then insert the message in a transaction of the application's own. Every
// error wraps [ErrInvalidTrigger].
func (d *Dispatcher) Prepare(tr Trigger) (Message, error) {
	m, err := d.prepareMessage(&tr)
	if err != nil {
		return Message{}, err
	}
	m.Plan = slices.Clone(m.Plan) // the caller may change it
	return *m, nil
}

// prepareMessage is like Prepare, but the message shares its Plan with the template.
func (d *Dispatcher) prepareMessage(tr *Trigger) (*Message, error) {
	t := d.template(tr.Template)
	if t == nil {
		return nil, fmt.Errorf("%w: Trigger.Template: no template %s is registered, want %s",
			ErrInvalidTrigger, quoteName(tr.Template), listNames(*d.templates.Load()))
	}
	if err := d.checkTrigger(tr, t); err != nil {
		return nil, err
	}
	now := d.now()
	m := &Message{
		ID: d.cfg.NewID(), Key: tr.Key, Reference: tr.Reference, Template: t.ID, Scenario: t.Scenario, Class: t.Class, To: cloneRecipient(tr.To),
		Vars: maps.Clone(tr.Vars), Metadata: maps.Clone(tr.Metadata), Plan: t.plan, TriggeredAt: now, Version: 1,
	}
	due, ttl := now, t.TTL
	if at := normalizeTime(tr.SendAt); at.After(now) {
		due = at
	}
	if tr.TTL != 0 {
		ttl = tr.TTL
	}
	d.triggered(m, due, ttl)
	return m, nil
}

// cloneRecipient returns a copy that shares no map with r and has no empty ID.
func cloneRecipient(r channel.Recipient) channel.Recipient {
	if len(r.IDs) == 0 {
		r.IDs = nil
		return r
	}
	r.IDs = maps.Clone(r.IDs)
	maps.DeleteFunc(r.IDs, func(_ channel.Name, id string) bool { return id == "" })
	return r
}

func (d *Dispatcher) checkTrigger(tr *Trigger, t *registeredTemplate) error {
	var bad errorList
	if tr.To.IsZero() {
		bad.add("%w: Trigger.To is required, and has neither a number nor an ID", ErrInvalidTrigger)
	}
	if len(tr.To.IDs) > 0 {
		d.checkIDs(tr.To.IDs, &bad)
	}
	if tr.TTL < 0 {
		bad.add("%w: Trigger.TTL is negative (%v)", ErrInvalidTrigger, tr.TTL)
	}
	if tr.SendAt.After(maxTime) {
		bad.add("%w: Trigger.SendAt is after the year 9998 (year %d)", ErrInvalidTrigger, tr.SendAt.Year())
	}
	for _, name := range t.vars {
		if _, ok := tr.Vars[name]; !ok {
			bad.add("%w: Trigger.Vars: variable %q of template %q is missing", ErrInvalidTrigger, name, t.ID)
		}
	}
	if len(bad) > 0 || len(tr.Vars) > len(t.vars) {
		for name := range tr.Vars {
			if !slices.Contains(t.vars, name) {
				bad.add("%w: Trigger.Vars: template %q has no variable %s, want %q", ErrInvalidTrigger, t.ID, quoteName(name), t.vars)
			}
		}
	}
	for _, id := range [...]struct{ field, value string }{{"Key", tr.Key}, {"Reference", tr.Reference}} {
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

// checkIDs adds the mistakes in a recipient's IDs. It names channels and never an ID.
func (d *Dispatcher) checkIDs(ids map[channel.Name]string, bad *errorList) {
	for _, name := range slices.Sorted(maps.Keys(ids)) {
		if ids[name] == "" {
			continue
		}
		if _, ok := d.outlets[name]; !ok {
			bad.add("%w: Trigger.To.IDs: no channel %s is registered, want %s",
				ErrInvalidTrigger, quoteName(string(name)), listNames(d.outlets))
		}
		if id := ids[name]; len(id) > maxRecipientID || !validText(id) {
			bad.add("%w: Trigger.To.IDs: the ID on channel %s must be UTF-8 without NUL, and %d bytes at most (%d bytes)",
				ErrInvalidTrigger, quoteName(string(name)), maxRecipientID, len(id))
		}
	}
}

// quoteName quotes a name that a developer chose, without what a name does not have: a
// phone number, or a text.
func quoteName(name string) string {
	return strconv.Quote(words.Words(name[:min(len(name), maxNameShown)], words.Personal{AnyNumber: true}))
}

const maxNameShown = 64 // bytes

// maxID bounds the keys and IDs that stores index, in bytes.
const maxID = 255

// maxRecipientID bounds the IDs of a recipient, in bytes. Stores index a hash of them.
const maxRecipientID = 1024

// validText reports whether every store can keep s. PostgreSQL takes no NUL in a text, and
// one message must not make a store refuse its batch.
func validText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// Send asks for a message and returns its ID once it is stored. From then on the message
// ends in a final status, whatever happens to this process. With a key that was used
// before for the same template, recipient and variables, Send returns the first message's
// ID.
//
// Errors wrap [ErrInvalidTrigger], [ErrKeyReused], or the store's error. With
// [ErrMaybeStored] the message may be stored; a trigger with a key is safe to repeat. If
// ctx ends while the message waits for its turn at the store, it is not stored.
func (d *Dispatcher) Send(ctx context.Context, tr Trigger) (uuid.UUID, error) {
	if err := ctx.Err(); err != nil {
		return uuid.UUID{}, err
	}
	m, err := d.prepareMessage(&tr)
	if err != nil {
		return uuid.UUID{}, err
	}
	return d.sendPrepared(ctx, m)
}

// sendPrepared stores a message and has it sent.
func (d *Dispatcher) sendPrepared(ctx context.Context, m *Message) (uuid.UUID, error) {
	// The fast path: stored already claimed, a message goes straight to its lane.
	l := d.laneFor(m)
	held := m.dueNow() && d.holdNew(m)
	place, fast := place(0), false
	if !held {
		place, fast = d.preclaimMessage(m, l)
	}
	existing, err := d.storeInsert(ctx, m)
	if err != nil || existing != nil {
		if fast {
			l.cancelReservation(place)
		}
		if err != nil {
			return uuid.UUID{}, fmt.Errorf("smsplus: send: %w", err)
		}
		return resolveKey(m, existing)
	}
	d.reportEvent(ctx, Triggered{m.ID, m.Template, m.Scenario, m.Channel})
	id := m.ID
	if fast {
		j := d.firstJob(m)
		j.place = place
		if l.enqueue(j) {
			runtime.Gosched() // the workers fall behind: let them run
		}
	} else if !held && m.DueAt.Sub(m.TriggeredAt) < d.cfg.Poll {
		d.wakeClaimLoop()
	}
	return id, nil
}

// preclaimMessage claims a message that is due now and not stored yet, if its lane has a place.
func (d *Dispatcher) preclaimMessage(m *Message, l *lane) (p place, ok bool) {
	if !m.dueNow() {
		return 0, false
	}
	if p, ok = l.tryReserve(m.Template); ok {
		m.preclaimed(newHolder(), m.TriggeredAt.Add(d.cfg.Lease))
	}
	return p, ok
}

// firstJob returns the job of a message that was inserted already claimed.
func (d *Dispatcher) firstJob(m *Message) job {
	j := job{Message: m, due: m.TriggeredAt, stepDue: m.TriggeredAt, lease: m.DueAt, holder: m.Holder, intent: m.Sending == 0}
	j.content, j.contentHash = d.contentFor(&j)
	return j
}

// preclaimMany claims messages that are due now and not stored yet, as many as their lanes
// have places for. It waits for capacity in a fast lane. Claiming the messages from the store
// later costs one more write each, and an unthrottled sender would build up a growing backlog
// there.
func (d *Dispatcher) preclaimMany(ctx context.Context, b *sendBatch) {
	places := make(map[*lane]int)
	due := make([]*Message, 0, len(b.messages))
	for i := range b.messages {
		if m := &b.messages[i]; m.dueNow() && !d.holdNew(m) {
			places[d.laneFor(m)]++
			due = append(due, m)
		}
	}
	limited, cancel := context.WithTimeout(ctx, reserveTimeout)
	defer cancel()
	for l, n := range places {
		places[l] = l.reserveN(limited, n, d.now())
	}
	lease, holder := d.now().Add(d.cfg.Lease), newHolder()
	var excess []*Message
	for _, m := range due {
		if l := d.laneFor(m); places[l] > 0 {
			places[l]--
			m.preclaimed(holder, lease)
		} else {
			excess = append(excess, m)
		}
	}
	if len(excess) > 0 {
		d.preclaimGuests(b, excess, holder, lease)
	}
}

// preclaimGuests claims messages of the batch that found no place in their full lanes, as many as
// get a guestPlace.
func (d *Dispatcher) preclaimGuests(b *sendBatch, excess []*Message, holder int64, lease time.Time) {
	type templateInLane struct {
		lane     *lane
		template string
	}
	of := func(m *Message) templateInLane { return templateInLane{d.laneFor(m), m.Template} }
	claimed := make(map[templateInLane]int)
	for i := range b.messages {
		if m := &b.messages[i]; m.Claims > 0 {
			claimed[of(m)]++
		}
	}
	guests := make(map[templateInLane][]*Message)
	for _, m := range excess {
		guests[of(m)] = append(guests[of(m)], m)
	}
	for t, ms := range guests {
		for _, m := range ms[:t.lane.reserveGuests(t.template, claimed[t], len(ms))] {
			m.preclaimed(holder, lease)
			b.inGuestPlace[m.ID] = true
		}
	}
}

// laneFor returns the lane of a new message.
func (d *Dispatcher) laneFor(m *Message) *lane { return d.outlets[m.Channel].laneOf(m.Class) }

// dueNow reports whether a message that is not stored yet is to be sent now.
func (m *Message) dueNow() bool { return m.DueAt.Equal(m.TriggeredAt) }

// resolveKey returns the ID of the message that holds the key, if m asks for the same.
func resolveKey(m, holder *Message) (uuid.UUID, error) {
	if m.Template != holder.Template || !m.To.Equal(holder.To) || !maps.Equal(m.Vars, holder.Vars) {
		return uuid.UUID{}, fmt.Errorf("%w (message %v)", ErrKeyReused, holder.ID)
	}
	return holder.ID, nil
}

// SendMany asks for many messages, all or nothing, and returns their IDs in the
// triggers' order. Keys work as in [Dispatcher.Send], within the call as well. Every
// invalid trigger is named by its index. While a channel is fast and busy, SendMany waits
// up to a tenth of a second for its workers to keep up.
func (d *Dispatcher) SendMany(ctx context.Context, trs []Trigger) ([]uuid.UUID, error) {
	b, err := d.prepareMany(trs)
	if err != nil {
		return nil, err
	}
	d.preclaimMany(ctx, b)
	if err := d.insertMany(ctx, b); err != nil {
		for i := range b.messages {
			d.cancelPreclaim(b, &b.messages[i])
		}
		return nil, err
	}
	unclaimed := false
	for i := range b.messages {
		m := &b.messages[i]
		d.reportEvent(ctx, Triggered{m.ID, m.Template, m.Scenario, m.Channel})
		if m.Claims > 0 {
			j := d.firstJob(m)
			j.place = b.placeOf(m)
			d.laneFor(m).enqueue(j)
		} else {
			unclaimed = true
		}
	}
	if unclaimed {
		d.wakeClaimLoop()
	}
	return b.ids, nil
}

// sendBatch is the messages of one SendMany that are still to be stored.
type sendBatch struct {
	messages []Message
	ids      []uuid.UUID // by trigger
	// triggers are the indexes of the triggers that a message stands for, by its own ID.
	// A key that several triggers share has one message.
	triggers     map[uuid.UUID][]int
	inGuestPlace map[uuid.UUID]bool // by message
}

// placeOf returns the place of a message that was inserted claimed.
func (b *sendBatch) placeOf(m *Message) place {
	if b.inGuestPlace[m.ID] {
		return guestPlace
	}
	return lanePlace
}

// prepareMany checks the triggers and returns their messages.
func (d *Dispatcher) prepareMany(trs []Trigger) (*sendBatch, error) {
	b := &sendBatch{
		messages:     make([]Message, 0, len(trs)),
		ids:          make([]uuid.UUID, len(trs)),
		triggers:     make(map[uuid.UUID][]int),
		inGuestPlace: make(map[uuid.UUID]bool),
	}
	keys := make(map[string]*Message)
	var errs errorList
	for i := range trs {
		m, err := d.prepareMessage(&trs[i])
		if err != nil {
			errs.add("trigger %d: %w", i, err)
			continue
		}
		b.ids[i] = m.ID
		if m.Key == "" {
			b.messages = append(b.messages, *m)
			continue
		}
		if first := keys[m.Key]; first != nil {
			if b.ids[i], err = resolveKey(m, first); err != nil {
				errs.add("trigger %d: %w", i, err)
				continue
			}
			m = first
		} else {
			keys[m.Key] = m
			b.messages = append(b.messages, *m)
		}
		b.triggers[m.ID] = append(b.triggers[m.ID], i)
	}
	return b, errors.Join(errs...)
}

// insertMany stores the batch's messages together. A message whose key is taken leaves the
// batch, and its triggers get the ID of the message that holds the key.
func (d *Dispatcher) insertMany(ctx context.Context, b *sendBatch) error {
	for len(b.messages) > 0 {
		taken, err := d.insertAll(ctx, b.messages)
		switch {
		case err != nil:
			return fmt.Errorf("smsplus: send: %w", callerError(err))
		case len(taken) == 0:
			return nil
		}
		var errs errorList
		b.messages = slices.DeleteFunc(b.messages, func(m Message) bool {
			existing, ok := taken[m.Key]
			if !ok || m.Key == "" {
				return false
			}
			d.cancelPreclaim(b, &m)
			id, err := resolveKey(&m, &existing)
			for _, i := range b.triggers[m.ID] {
				if err != nil {
					errs.add("trigger %d: %w", i, err)
				}
				b.ids[i] = id
			}
			return true
		})
		if len(errs) > 0 {
			return errors.Join(errs...)
		}
	}
	return nil
}

// cancelPreclaim gives back the place in its lane of a message of the batch that is not stored.
func (d *Dispatcher) cancelPreclaim(b *sendBatch, m *Message) {
	if m.Claims > 0 {
		d.laneFor(m).cancelReservation(b.placeOf(m))
	}
}
