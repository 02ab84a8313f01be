package smsplus

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
)

// completion is a job on its way into the store. One goroutine owns it: first the worker,
// and from the submission of the update on the callback of the commit, which ends it with
// finishJob.
type completion struct {
	job
	outcome *outcome // nil: the message is stored as it was decided
	// mayWait says that the job may block: for the rate limit, and to repeat a store call that
	// failed. The calls are repeated until ctx ends. Without an outcome the
	// end of the lease ends them too, because another claim decides the same again.
	mayWait    bool
	storeTries int // failed calls
	// baton is the channel's lock that the worker holds until it has reserved its tokens, or nil:
	// see awaitNext.
	baton chan struct{}

	run *runState // of a job of a Run

	outcomeBuf outcome        // what outcome points to
	refBuf     [1]channel.Ref // what the update looks up
}

// passBaton lets the channel's next worker wait for a token of the rate limit.
func (c *completion) passBaton() {
	if c.baton != nil {
		<-c.baton
		c.baton = nil
	}
}

func (c *completion) setOutcome(o outcome) {
	c.outcomeBuf = o
	c.outcome = &c.outcomeBuf
}

// buildUpdate makes the outcome part of the message and returns the update that stores it.
// Held says that the job still holds the message. A message without an outcome is always
// held.
func (d *Dispatcher) buildUpdate(c *completion, held bool) updateRequest {
	m, o := c.Message, c.outcome
	if c.previous == nil {
		c.previous = d.copyForObserver(m)
	}
	u := updateRequest{message: m, completion: c, lookupRefs: c.merged}
	if o == nil {
		m.releaseHold()
		return u
	}
	d.sent(m, o, held)
	if o.providerID != "" {
		c.refBuf[0] = channel.Ref{Channel: m.Plan[o.step].Channel, ProviderID: o.providerID}
		u.lookupRefs = append(c.refBuf[:], c.merged...)
	}
	return u
}

// storeCompletion stores a completion, and waits for that.
func (d *Dispatcher) storeCompletion(ctx context.Context, c *completion) error {
	u, err := d.updates.Do(context.WithoutCancel(ctx), d.buildUpdate(c, true))
	return d.afterStore(ctx, c, u, err)
}

// afterStore continues after the first try to store a completion. It returns when the
// completion is stored or given up. An update that was stale, or whose answer was lost,
// is built again from the stored message.
func (d *Dispatcher) afterStore(ctx context.Context, c *completion, u updateRequest, err error) error {
	for {
		if err == nil && !u.stale {
			d.reportChanges(ctx, c.previous, c.Message)
			d.applyParked(ctx, u.parked, c.Message)
			return nil
		}
		for {
			if err != nil {
				if !c.mayWait || ctx.Err() != nil || c.outcome == nil && !d.now().Before(c.lease) {
					return err
				}
				c.storeTries++
				d.sleepFor(ctx, storeRetry.backoff(c.storeTries))
			}
			var done bool
			if u, done, err = d.rebuildUpdate(ctx, c); done {
				return nil
			}
			if err == nil {
				break
			}
		}
		u, err = d.updates.Do(context.WithoutCancel(ctx), u)
	}
}

// rebuildUpdate builds the completion's update from the message as it is stored now. It
// reports done if nothing is left to store: the message is gone, another holder has it, or
// the row already says what the completion would say.
func (d *Dispatcher) rebuildUpdate(ctx context.Context, c *completion) (u updateRequest, done bool, err error) {
	if c.outcome == nil {
		held, _, err := d.rereadMessage(ctx, &c.job)
		switch {
		case err != nil:
			return u, false, err
		case !held:
			return u, true, nil
		case c.step >= 0: // a receipt has moved the message on: it is claimed for the next step's lane
			d.releaseLease(ctx, c.job, d.now(), c.mayWait)
			return u, true, nil
		}
		return d.buildUpdate(c, true), false, nil
	}
	stored, err := d.Message(ctx, c.ID)
	if errors.Is(err, ErrNotFound) || err == nil && stored.To.IsZero() { // purged, or erased after a delivery
		return u, true, nil
	}
	if err != nil {
		return u, false, err
	}
	attempts, claims := slices.Clone(stored.Attempts), stored.Claims
	*c.Message = stored
	c.previous = d.copyForObserver(c.Message)
	c.merged = nil
	u = d.buildUpdate(c, stored.Holder == c.holder)
	// An outcome that says nothing new is not stored.
	return u, claims == c.Claims && slices.Equal(attempts, c.Attempts), nil
}

// keptOutcomes holds the outcomes of sends that a Tick could not store. A Tick adds one at most,
// because it stops at its first error.
type keptOutcomes struct {
	mu      sync.Mutex
	waiting []*completion
}

func (k *keptOutcomes) add(c *completion) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.waiting = append(k.waiting, c)
}

func (k *keptOutcomes) takeAll() []*completion {
	k.mu.Lock()
	defer k.mu.Unlock()
	taken := k.waiting
	k.waiting = nil
	return taken
}

// storeKept stores the outcomes that earlier Ticks could not store, and adds their messages to
// advanced. It keeps an outcome that fails again, until a lease after the end of its own: by then
// another claim has taken the send for one in doubt. It returns the first error.
func (d *Dispatcher) storeKept(ctx context.Context, advanced map[uuid.UUID]bool) (first error) {
	for _, c := range d.keptOutcomes.takeAll() {
		// The row may have changed since: the update is built again, as that of a stale one is.
		err := d.afterStore(ctx, c, updateRequest{stale: true}, nil)
		if err == nil {
			advanced[c.ID] = true
			continue
		}
		if first == nil {
			first = err
		}
		if d.now().Before(c.lease.Add(d.cfg.Lease)) {
			d.keptOutcomes.add(c)
		}
	}
	return first
}
