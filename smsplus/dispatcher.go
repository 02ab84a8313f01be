// Package smsplus gets one message to one person over several channels. A
// [Dispatcher] tries the steps of a template's route in order, moves on by itself
// when a channel cannot deliver or stays silent past its fallback time, survives
// crashes, and keeps a record of every attempt.
//
//	d, err := smsplus.New(smsplus.Config{
//		Store:    memstore.New(),
//		Channels: []channel.Channel{push, notification, sms},
//		Templates: []smsplus.Template{{
//			ID: "otp", Scenario: "OTP", TTL: 10 * time.Minute,
//			Route: []smsplus.Step{
//				{Channel: channel.LINEPush, Content: channel.Text("Your code is {{code}}")},
//				{Channel: channel.SMS, Content: channel.Text("Your code is {{code}}")},
//			},
//		}},
//	})
//	go d.Run(ctx)
//	id, err := d.Send(ctx, smsplus.Trigger{Template: "otp", To: to, Vars: map[string]string{"code": "1234"}})
//
// # How it works
//
// A message is a row that is its own timer: [Message].DueAt says when a dispatcher
// must look at it next. [Store.Claim] leases the rows that are due and is the
// write-ahead of the send that follows; [Store.Update] records what became of it. A
// dispatcher that dies leaves rows that fall due again when their leases end. Many
// dispatchers may share a store; they share nothing else.
//
// Receipts are evidence that only moves an attempt up the ladder of package status,
// so they may come in any order and any number of times. Once a delivery is stored
// no further step is started.
//
// The files follow the row: template.go and message.go say what it is, route.go
// decides where it goes, claim.go, lane.go and attempt.go take it there, doubt.go
// keeps account of what nobody knows, receipt.go takes in what comes back, and
// commit.go stores it, in the batches of batcher.go.
package smsplus

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

// What a call to a Dispatcher may return, besides what its store does.
var (
	// ErrInvalidTrigger is what every complaint about a [Trigger] wraps; the message
	// names the field.
	ErrInvalidTrigger = errors.New("smsplus: bad trigger")
	// ErrKeyReused: the trigger's key belongs to a message with another template,
	// recipient or variables.
	ErrKeyReused = errors.New("smsplus: key was used for another message")
	// ErrEnded: the message has a final status and cannot be canceled.
	ErrEnded = errors.New("smsplus: message has ended")
	// ErrRunning: the Dispatcher runs already.
	ErrRunning = errors.New("smsplus: dispatcher is running")
	// ErrInvalidReceipt is what every complaint about a receipt wraps; the message names
	// the field.
	ErrInvalidReceipt = errors.New("smsplus: bad receipt")
)

// Dispatcher takes triggers, tries their routes, and takes receipts. It is made by
// [New] and safe for concurrent use.
type Dispatcher struct {
	cfg Config // with its defaults

	router
	templates map[string]*template
	lanes     map[channel.Name]*lane

	inserts *batcher[insertion]
	updates *batcher[update]
	lookups *batcher[lookup]
	// unstored has a place for each send whose outcome is not stored: a crash repeats
	// those, and while the store is down no more are begun.
	unstored    chan struct{}
	conclusions sync.Pool // of *conclusion, not in use
	recalled    recalled

	running atomic.Bool
	wake    chan struct{} // has room for one: a nudge to the claim loop
}

// template is a registered Template with what a trigger needs of it, made once.
type template struct {
	Template
	plan []PlannedStep
	vars []string
}

// New returns a Dispatcher, or every mistake in the config at once, each named by
// its field.
func New(c Config) (*Dispatcher, error) {
	c = c.withDefaults()
	if err := c.check(); err != nil {
		return nil, err
	}
	c.Channels = slices.Clone(c.Channels)
	d := &Dispatcher{
		cfg:       c,
		router:    router{traits: make(map[channel.Name]channel.Traits, len(c.Channels))},
		templates: make(map[string]*template, len(c.Templates)),
		lanes:     make(map[channel.Name]*lane, len(c.Channels)),
		wake:      make(chan struct{}, 1),
		unstored:  make(chan struct{}, 2*c.Batch),
	}
	d.inserts = newBatcher(c.Clock, c.Batch, d.flushInserts, nil)
	d.inserts.turns = true
	d.updates = newBatcher(c.Clock, c.Batch, d.flushUpdates, d.handedOver)
	d.lookups = newBatcher(c.Clock, c.Batch, d.flushLookups, nil)
	for _, ch := range c.Channels {
		d.traits[ch.Name()] = traits(ch)
		d.lanes[ch.Name()] = newLane(ch, c, d.nudge)
	}
	for _, t := range c.Templates {
		d.templates[t.ID] = newTemplate(t)
		d.warn(t)
	}
	return d, nil
}

func newTemplate(t Template) *template {
	t.Route = slices.Clone(t.Route)
	reg := &template{Template: t}
	for _, s := range t.Route {
		reg.plan = append(reg.plan, PlannedStep{s.Channel, s.Wait, s.OnFailed, s.InDoubt})
		for _, v := range s.Content.Vars() {
			if !slices.Contains(reg.vars, v) {
				reg.vars = append(reg.vars, v)
			}
		}
	}
	return reg
}

// warn reports steps that move on while their provider goes on trying.
func (d *Dispatcher) warn(t Template) {
	for _, s := range t.Route[:len(t.Route)-1] {
		tr := d.traits[s.Channel]
		if s.Wait == 0 || tr.Expires || s.Wait >= tr.Validity {
			continue
		}
		d.cfg.Logger.Warn("smsplus: the provider goes on trying after the message has moved on: the person may get both",
			"template", t.ID, "channel", s.Channel, "wait", s.Wait, "validity", tr.Validity)
		d.observe(context.Background(), WaitTooShort{t.ID, s.Channel, s.Wait, tr.Validity})
	}
}

// Channels yields the registered channels, in the config's order: for what asks them
// for more than to send, as package webhook does.
func (d *Dispatcher) Channels() iter.Seq[channel.Channel] { return slices.Values(d.cfg.Channels) }

// now is the time as it is stored: in UTC and whole microseconds, so that every
// store gives back what it was given.
func (d *Dispatcher) now() time.Time { return canonical(d.cfg.Clock.Now()) }

func canonical(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

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
	if at := canonical(tr.SendAt); at.After(now) {
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

func (tr *Trigger) check(t *template) error {
	if t == nil {
		return fmt.Errorf("%w: Trigger.Template: no such template is registered (%d characters)", ErrInvalidTrigger, len(tr.Template))
	}
	var bad mistakes
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
		if len(id.value) > maxID || !storable(id.value) {
			bad.add("%w: Trigger.%s must be UTF-8 without NUL, and %d bytes at most (%d bytes)", ErrInvalidTrigger, id.field, maxID, len(id.value))
		}
	}
	for _, name := range t.vars {
		if !storable(tr.Vars[name]) {
			bad.add("%w: Trigger.Vars: variable %q must be UTF-8 without NUL", ErrInvalidTrigger, name)
		}
	}
	for name, value := range tr.Metadata {
		if !storable(name) || !storable(value) {
			bad.add("%w: Trigger.Metadata must be UTF-8 without NUL", ErrInvalidTrigger)
		}
	}
	return errors.Join(bad...)
}

// maxID bounds what stores keep in indexes, in bytes.
const maxID = 255

// storable reports whether every store can keep s: PostgreSQL takes no NUL in a
// text, and a store must not refuse a batch for one message of it.
func storable(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

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
	fast := d.hasten(m, l)
	taken, err := d.insert(m)
	if err != nil || taken != nil {
		if fast {
			l.giveUp()
		}
		if err != nil {
			return uuid.UUID{}, fmt.Errorf("smsplus: send: %w", err)
		}
		return same(m, taken)
	}
	d.observe(ctx, Triggered{m.ID, m.Template, m.Scenario, m.Channel})
	id := m.ID
	if fast {
		if l.push(job{Message: m, lease: m.DueAt}) {
			runtime.Gosched() // the workers fall behind: let them run
		}
	} else if m.DueAt.Sub(m.TriggeredAt) < d.cfg.Poll {
		d.nudge()
	}
	return id, nil
}

// hasten claims a message that is due now and not stored yet, if its lane has a place.
func (d *Dispatcher) hasten(m *Message, l *lane) bool {
	if !m.dueAtOnce() || !l.reserve() {
		return false
	}
	m.DueAt, m.Claims = m.TriggeredAt.Add(d.cfg.Lease), 1
	return true
}

// hastenMany claims of many such messages as many as their lanes have places for. It
// waits for a lane that is fast: to find them in the store later is more work, and
// whoever sends more than the lanes get done would be ever further ahead of them.
func (d *Dispatcher) hastenMany(ctx context.Context, ms []Message) {
	places := make(map[channel.Name]int)
	for i := range ms {
		if ms[i].dueAtOnce() {
			places[ms[i].Channel]++
		}
	}
	limited, cancel := context.WithTimeout(ctx, roomWait)
	defer cancel()
	for name, n := range places {
		places[name] = d.lanes[name].reserveMany(limited, n, d.now())
	}
	lease := d.now().Add(d.cfg.Lease)
	for i := range ms {
		if m := &ms[i]; m.dueAtOnce() && places[m.Channel] > 0 {
			places[m.Channel]--
			m.DueAt, m.Claims = lease, 1
		}
	}
}

// dueAtOnce reports whether a message that is not stored yet is to be sent now.
func (m *Message) dueAtOnce() bool { return m.DueAt.Equal(m.TriggeredAt) }

// same returns the ID of the message that holds the key, if m asks for the same.
func same(m, holder *Message) (uuid.UUID, error) {
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
	var bad mistakes
	for i := range trs {
		m, err := d.prepare(&trs[i])
		if err != nil {
			bad.add("trigger %d: %w", i, err)
			continue
		}
		ids[i] = m.ID
		if m.Key != "" && keys[m.Key] != nil {
			if ids[i], err = same(m, keys[m.Key]); err != nil {
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
	d.hastenMany(ctx, ms)
	stay := func(m *Message) {
		if m.Claims > 0 {
			d.lanes[m.Channel].giveUp()
		}
	}
	for len(ms) > 0 {
		var taken map[string]Message
		err := d.call(ctx, "Insert", func(ctx context.Context) (err error) {
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
			id, err := same(&m, &holder)
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
			d.lanes[m.Channel].push(job{Message: m, lease: m.DueAt})
		} else {
			waiting = true
		}
	}
	if waiting {
		d.nudge()
	}
	return ids, nil
}

// Message returns a message's record, or [ErrNotFound].
func (d *Dispatcher) Message(ctx context.Context, id uuid.UUID) (m Message, err error) {
	err = d.call(ctx, "Message", func(ctx context.Context) error {
		m, err = d.cfg.Store.Message(ctx, id)
		return err
	})
	return m, err
}

// Cancel sees to it that nothing further is started for a message. What a provider
// has already accepted cannot be called back: its attempt stays open until its
// receipt, or its wait, ends it. A message that has not been sent ends Undeliverable
// with the reason canceled. Canceling twice is no error; canceling a message that
// has ended is [ErrEnded].
func (d *Dispatcher) Cancel(ctx context.Context, id uuid.UUID) error {
	for {
		m, err := d.Message(ctx, id)
		if err != nil {
			return err
		}
		if !m.CanceledAt.IsZero() {
			return nil
		}
		if m.DueAt.IsZero() {
			return ErrEnded
		}
		before := d.snapshot(&m)
		now := d.now()
		switch a := m.current(); {
		case m.Claims > 0:
			// Whoever holds the lease finds out when it stores its outcome; if it is this
			// dispatcher, before it sends.
			d.recalled.add(m.ID, m.DueAt, now)
			d.amend(&m, now, func() { m.CanceledAt = now })
		case a == nil:
			m.CanceledAt = now
			m.end(0, status.Canceled, now)
		default:
			m.CanceledAt = now
			if a.Status == status.Preparing && a.Reason != status.InDoubt {
				a.record(evidence{status: status.Undeliverable, reason: status.Canceled, at: now})
			}
			d.settle(&m, now)
		}
		stale, err := d.update(&m)
		if err != nil {
			return fmt.Errorf("smsplus: cancel: %w", err)
		}
		if !stale {
			d.changed(ctx, before, &m)
			return nil
		}
	}
}

// call runs a call to the store under its deadline. A store that panics has failed.
func (d *Dispatcher) call(ctx context.Context, op string, f func(context.Context) error) (err error) {
	limited := withDeadline(ctx, d.cfg.StoreTimeout)
	defer limited.cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("smsplus: store panicked in %s (%T)", op, p)
		}
		if err != nil && ctx.Err() == nil && !errors.Is(err, ErrNotFound) {
			d.cfg.Logger.LogAttrs(ctx, slog.LevelError, "smsplus: store call failed", slog.String("op", op), slog.Any("error", err))
			d.observe(ctx, StoreFailed{op, err})
		}
	}()
	return f(limited)
}

// pause lets time pass on the dispatcher's clock, unless ctx ends first.
func (d *Dispatcher) pause(ctx context.Context, wait time.Duration) {
	select {
	case <-d.cfg.Clock.After(wait):
	case <-ctx.Done():
	}
}

// nudge lets the claim loop look at once.
func (d *Dispatcher) nudge() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}
