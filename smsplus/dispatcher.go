package smsplus

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/loglimit"
	"github.com/smsplus/smsplus-go/smsplus/internal/groupcommit"
)

// These errors are returned by a Dispatcher, in addition to those of its store.
var (
	// ErrInvalidTrigger is wrapped by every error about a [Trigger]. The message names the
	// field.
	ErrInvalidTrigger = errors.New("smsplus: bad trigger")
	// ErrKeyReused says that the trigger's key belongs to a message with another template,
	// recipient or variables.
	ErrKeyReused = errors.New("smsplus: key was used for another message")
	// ErrEnded says that the message has ended and cannot be canceled.
	ErrEnded = errors.New("smsplus: message has ended")
	// ErrMaybeStored says that the message may be stored: the context ended, or the store
	// failed, when the call was at the store. A trigger with a key is safe to repeat.
	ErrMaybeStored = errors.New("smsplus: the message may be stored")
	// ErrRunning says that the Dispatcher runs already.
	ErrRunning = errors.New("smsplus: dispatcher is running")
	// ErrInvalidReceipt is wrapped by every error about a receipt. The message names the
	// field.
	ErrInvalidReceipt = errors.New("smsplus: bad receipt")
)

// Dispatcher takes triggers, tries their routes, and takes receipts. Use [New] to create
// one. It is safe for concurrent use.
type Dispatcher struct {
	cfg Config // with its defaults

	router
	templates atomic.Pointer[map[string]*registeredTemplate] // by ID; replaced as a whole
	outlets   map[channel.Name]*outlet
	lanes     map[channel.Name]*lane     // of all outlets, by the name of the lane
	askers    map[channel.Name]*asker    // of the channels whose providers can be asked
	recallers map[channel.Name]*recaller // of those whose providers can take messages back

	inserts *groupcommit.Group[insertRequest, Message]
	updates *groupcommit.Group[updateRequest, Message]
	lookups *groupcommit.Group[lookup, Message]
	// unstoredOutcomes has a place for each send whose outcome is not stored. A crash would
	// repeat them, so while the store is down no more sends begin.
	unstoredOutcomes chan struct{}
	completions      sync.Pool // of *completion, not in use
	keptOutcomes     keptOutcomes
	canceledLeases   canceledLeases
	unknownTemplates unknownTemplates
	unreadable       unreadable
	sweep            sweep
	pauses           atomic.Pointer[pauseSet] // nil: not read yet
	pausesLoad       sync.Mutex               // serializes reads, so that an older one replaces no newer one
	expiry           expirySweep
	silence          silence
	logLimit         loglimit.Limiter[string] // keys: a constant text with a method, a channel or a duration
	publisher        *publisher               // nil without Outcomes

	running   atomic.Bool
	claimWake chan struct{} // wakes the claim loop; has room for one signal
}

// New returns a Dispatcher. Its error holds every mistake in the config, each named by its
// field.
func New(c Config) (*Dispatcher, error) {
	c = c.withDefaults()
	if err := c.check(); err != nil {
		return nil, err
	}
	c.Channels = slices.Clone(c.Channels)
	d := &Dispatcher{
		cfg: c,
		router: router{
			traits:    make(map[channel.Name]channel.Traits, len(c.Channels)),
			queriers:  make(map[channel.Name]bool),
			recallers: make(map[channel.Name]bool),
			retry:     c.Retry,
			publishes: c.Outcomes != nil,
			lease:     c.Lease,
		},
		askers:           make(map[channel.Name]*asker),
		recallers:        make(map[channel.Name]*recaller),
		outlets:          make(map[channel.Name]*outlet, len(c.Channels)),
		lanes:            make(map[channel.Name]*lane, numClasses*len(c.Channels)),
		claimWake:        make(chan struct{}, 1),
		unstoredOutcomes: make(chan struct{}, 2*c.Batch),
	}
	if c.Outcomes != nil {
		d.publisher = newPublisher(c)
	}
	d.inserts = groupcommit.New(c.Clock, d.insertBatch, groupcommit.Options[insertRequest]{MaxBatch: c.Batch, Alternate: true})
	d.updates = groupcommit.New(c.Clock, d.updateBatch, groupcommit.Options[updateRequest]{MaxBatch: c.Batch, OnCommit: d.onUpdateStored})
	d.lookups = groupcommit.New(c.Clock, d.lookupBatch, groupcommit.Options[lookup]{MaxBatch: c.Batch})
	for _, ch := range c.Channels {
		d.traits[ch.Name()] = traitsOf(ch)
		o := newOutlet(ch, c, d.wakeClaimLoop)
		o.breaker = d.newBreaker(o.name)
		d.outlets[o.name] = o
		for _, l := range o.lanes {
			d.lanes[l.laneName] = l
		}
		if q, ok := ch.(channel.Querier); ok {
			d.queriers[o.name] = true
			d.askers[o.name] = newAsker(o.name, q)
		}
		if r, ok := ch.(channel.Recaller); ok {
			d.router.recallers[o.name] = true
			d.recallers[o.name] = newRecaller(o.name, r)
		}
	}
	if least := sumOf(c.SendTimeout, c.StoreTimeout, c.StoreTimeout); c.Lease <= least {
		c.Logger.Warn("smsplus: a slow call to the store leaves a lease no time for the send", "lease", c.Lease, "least", least)
	}
	d.registerTemplates(c.Templates)
	return d, nil
}

// Channels yields the registered channels, in the config's order. It is for packages that
// use more of a channel than Send, such as package webhook.
func (d *Dispatcher) Channels() iter.Seq[channel.Channel] { return slices.Values(d.cfg.Channels) }

// Templates yields the registered templates, in order of their IDs. It is for packages that
// offer them to people. Their routes must not be changed.
func (d *Dispatcher) Templates() iter.Seq[Template] {
	return func(yield func(Template) bool) {
		byID := *d.templates.Load()
		for _, id := range slices.Sorted(maps.Keys(byID)) {
			if !yield(byID[id].Template) {
				return
			}
		}
	}
}

// now returns the time as it is stored: in UTC and whole microseconds, so that every store
// returns what it was given.
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

// callStore runs a call to the store under its deadline. It logs and reports an error. A
// panic of the store is an error.
func (d *Dispatcher) callStore(ctx context.Context, op string, f func(context.Context) error) (err error) {
	limited := withDeadline(ctx, d.cfg.StoreTimeout)
	defer limited.cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("smsplus: store panicked in %s (%T)", op, p)
		}
		if err != nil && ctx.Err() == nil && !errors.Is(err, ErrNotFound) {
			d.logFailure(ctx, "smsplus: store call failed", slog.String("op", op), slog.Any("error", err))
			d.reportEvent(ctx, StoreFailed{op, err})
		}
	}()
	return f(limited)
}

// sleepFor blocks until the time has passed on the dispatcher's clock, or ctx ends.
func (d *Dispatcher) sleepFor(ctx context.Context, wait time.Duration) {
	select {
	case <-d.cfg.Clock.After(wait):
	case <-ctx.Done():
	}
}

// wakeClaimLoop makes the claim loop claim at once.
func (d *Dispatcher) wakeClaimLoop() {
	select {
	case d.claimWake <- struct{}{}:
	default:
	}
}
