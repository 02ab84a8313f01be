package smsplus

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus/internal/groupcommit"
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
	templates map[string]*registeredTemplate
	lanes     map[channel.Name]*lane

	inserts *groupcommit.Group[insertRequest, Message]
	updates *groupcommit.Group[updateRequest, Message]
	lookups *groupcommit.Group[lookup, Message]
	// unstoredOutcomes has a place for each send whose outcome is not stored: a crash repeats
	// those, and while the store is down no more are begun.
	unstoredOutcomes chan struct{}
	completions      sync.Pool // of *conclusion, not in use
	canceledLeases   canceledLeases

	running   atomic.Bool
	claimWake chan struct{} // has room for one: a nudge to the claim loop
}

// registeredTemplate is a registered Template with what a trigger needs of it, made once.
type registeredTemplate struct {
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
		cfg:              c,
		router:           router{traits: make(map[channel.Name]channel.Traits, len(c.Channels))},
		templates:        make(map[string]*registeredTemplate, len(c.Templates)),
		lanes:            make(map[channel.Name]*lane, len(c.Channels)),
		claimWake:        make(chan struct{}, 1),
		unstoredOutcomes: make(chan struct{}, 2*c.Batch),
	}
	d.inserts = groupcommit.New(c.Clock, d.flushInserts, groupcommit.Options[insertRequest]{MaxBatch: c.Batch, Alternate: true})
	d.updates = groupcommit.New(c.Clock, d.flushUpdates, groupcommit.Options[updateRequest]{MaxBatch: c.Batch, OnCommit: d.onUpdateStored})
	d.lookups = groupcommit.New(c.Clock, d.flushLookups, groupcommit.Options[lookup]{MaxBatch: c.Batch})
	for _, ch := range c.Channels {
		d.traits[ch.Name()] = traitsOf(ch)
		d.lanes[ch.Name()] = newLane(ch, c, d.wakeClaimLoop)
	}
	for _, t := range c.Templates {
		d.templates[t.ID] = newTemplate(t)
		d.warnShortWaits(t)
	}
	return d, nil
}

func newTemplate(t Template) *registeredTemplate {
	t.Route = slices.Clone(t.Route)
	reg := &registeredTemplate{Template: t}
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

// warnShortWaits reports steps that move on while their provider goes on trying.
func (d *Dispatcher) warnShortWaits(t Template) {
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
func (d *Dispatcher) now() time.Time { return normalizeTime(d.cfg.Clock.Now()) }

func normalizeTime(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// Message returns a message's record, or [ErrNotFound].
func (d *Dispatcher) Message(ctx context.Context, id uuid.UUID) (m Message, err error) {
	err = d.callStore(ctx, "Message", func(ctx context.Context) error {
		m, err = d.cfg.Store.Message(ctx, id)
		return err
	})
	return m, err
}

// callStore runs a call to the store under its deadline. A store that panics has failed.
func (d *Dispatcher) callStore(ctx context.Context, op string, f func(context.Context) error) (err error) {
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

// wakeClaimLoop lets the claim loop look at once.
func (d *Dispatcher) wakeClaimLoop() {
	select {
	case d.claimWake <- struct{}{}:
	default:
	}
}
