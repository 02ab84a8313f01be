package smsplus

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

// storeRetry paces the claim loop, and a worker with an outcome to store, while the
// store is down.
var storeRetry = Retry{Base: 50 * time.Millisecond, Max: 5 * time.Second}

// claimLoop is the loop that takes what is due to its lane, until ctx ends.
func (d *Dispatcher) claimLoop(ctx context.Context) {
	failures := 0
	for ctx.Err() == nil {
		pause := d.cfg.Poll - d.cfg.Poll/10 + rand.N(d.cfg.Poll/5+1) // so that many dispatchers spread out
		for _, slow := range []bool{false, true} {
			limit, except := d.claimScope(slow)
			if limit == 0 {
				continue
			}
			c, err := d.claim(ctx, limit, except)
			if err != nil {
				failures++
				pause = storeRetry.backoff(failures)
				break
			}
			failures = 0
			d.dispatch(ctx, c.Messages)
			if len(c.Messages) == limit {
				pause = 0
			} else if !c.Next.IsZero() {
				// Another dispatcher may hold what seems due: never spin on it.
				pause = min(pause, max(time.Millisecond, c.Next.Sub(d.now())))
			}
		}
		if pause == 0 {
			continue
		}
		select {
		case <-ctx.Done():
		case <-d.claimWake:
		case <-d.cfg.Clock.After(pause):
		}
	}
}

// claimScope says how many messages a claim may bring, such that every lane that is not
// excepted has a place for each of them. Lanes with a low rate limit have little
// room: they have claims of their own, or every claim would be as small as theirs.
func (d *Dispatcher) claimScope(slow bool) (limit int, except []channel.Name) {
	for name, l := range d.lanes {
		isSlow := l.claimSize < d.cfg.Batch
		switch {
		case !l.promiseClaim() || isSlow != slow:
			except = append(except, name)
		case limit == 0 || l.claimSize < limit:
			limit = l.claimSize
		}
	}
	if limit == 0 && !slow {
		limit = d.cfg.Batch // those that only have to end need no lane
	}
	return limit, except
}

func (d *Dispatcher) claim(ctx context.Context, limit int, except []channel.Name) (c Claimed, err error) {
	if err := ctx.Err(); err != nil {
		return c, err
	}
	now := d.now()
	// Cut off in the middle, it could lease messages that nobody knows of.
	err = d.callStore(context.WithoutCancel(ctx), "Claim", func(ctx context.Context) error {
		c, err = d.cfg.Store.Claim(ctx, Claim{Now: now, Lease: d.cfg.Lease, Limit: limit, Except: except})
		return err
	})
	if err == nil && len(c.Messages) > 0 {
		d.observe(ctx, Lag{len(c.Messages), now.Sub(c.DueAt)})
	}
	return c, err
}

// dispatch takes claimed messages to their lanes, and stores those that nothing
// more is sent for.
func (d *Dispatcher) dispatch(ctx context.Context, ms []Message) {
	var rest sync.WaitGroup // their updates share a commit
	js, err := d.planJobs(ctx, ms)
	for _, j := range js {
		l := d.lanes[j.channelName()]
		switch {
		case err != nil:
			rest.Go(func() { d.releaseLease(ctx, j, d.now().Add(d.cfg.Poll), true) })
		case j.step < 0 || l == nil:
			rest.Go(func() { _, _ = d.runJob(ctx, j, true) }) // an error was told; the lease's end repeats it
		case l.reserveClaimed():
			l.enqueue(j)
		default:
			rest.Go(func() { d.releaseLease(ctx, j, d.now().Add(d.cfg.Poll), true) })
		}
	}
	rest.Wait()
}

// planJobs says what each claimed message needs next, after a look at the receipts that
// are parked for it: one that came before the provider's ID was stored, by a
// dispatcher that then died, waits there. After an error, which is the store's, the
// jobs are undecided: what is parked must not be passed over.
func (d *Dispatcher) planJobs(ctx context.Context, ms []Message) ([]job, error) {
	now := d.now()
	js := make([]job, len(ms))
	var refs []channel.Ref
	for i := range ms {
		m := &ms[i]
		js[i] = job{Message: m, step: -1, lease: m.DueAt, previous: d.copyForObserver(m)}
		if m.Claims > 1 {
			step := m.inFlight()
			m.markInFlight(step, m.triesOf(step)+m.Claims-1, now)
			if a := m.current(); a != nil && a.Reason == status.InDoubt {
				// Its own ID is about to be stored: what is parked under it is looked at then too.
				js[i].lookupRefs = append(js[i].lookupRefs, a.ref())
			}
		}
		for _, a := range m.Attempts {
			if a.ProviderID != "" && a.Status != status.Delivered {
				refs = append(refs, a.ref())
			}
		}
	}
	parked := make(map[channel.Ref][]channel.Receipt)
	if len(refs) > 0 {
		rs, err := d.loadParked(ctx, refs)
		if err != nil {
			return js, err
		}
		for _, r := range rs {
			parked[r.Ref()] = append(parked[r.Ref()], r)
		}
	}
	for i := range js {
		j := &js[i]
		if len(parked) > 0 {
			d.mergeParked(j, parked, now)
		}
		if step, send := d.nextAction(j.Message, now); send {
			j.step = step
			a := j.attempt(step)
			j.maybeSent = a != nil && a.Reason == status.InDoubt
		}
	}
	return js, nil
}

// mergeParked makes parked receipts part of a claimed message.
func (d *Dispatcher) mergeParked(j *job, parked map[channel.Ref][]channel.Receipt, now time.Time) {
	for i := range j.Attempts {
		ref := j.Attempts[i].ref()
		for _, r := range parked[ref] {
			d.mergeReceipt(j.Message, &j.Attempts[i], r)
		}
		if len(parked[ref]) > 0 {
			j.lookupRefs = append(j.lookupRefs, ref)
		}
	}
	if len(j.lookupRefs) == 0 {
		return
	}
	d.derive(j.Message, now)
	if !j.delivered() {
		j.DueAt = j.lease
	}
}

// channelName returns the channel that the job is for, or "" if nothing is to be sent.
func (j *job) channelName() channel.Name {
	if j.step < 0 {
		return ""
	}
	return j.Plan[j.step].Channel
}

// Tick does all work that is due, in the caller's goroutine, and returns how many
// messages it advanced. With a mock clock it makes a deterministic test of a
// fallback: move the clock, then Tick. It returns the store's first error.
func (d *Dispatcher) Tick(ctx context.Context) (int, error) {
	advanced := make(map[uuid.UUID]bool)
	for {
		c, err := d.claim(ctx, d.cfg.Batch, nil)
		if err != nil || len(c.Messages) == 0 {
			return len(advanced), err
		}
		js, err := d.planJobs(ctx, c.Messages)
		for _, j := range js {
			if err != nil {
				d.releaseLease(ctx, j, d.now(), false) // it may not look in doubt when it is not
				continue
			}
			var did bool
			if did, err = d.runJob(ctx, j, false); did && err == nil {
				advanced[j.ID] = true
			}
		}
		if err != nil {
			return len(advanced), err
		}
	}
}

// releaseLease ends a lease without a send: the message is due again at the given time,
// for the lane it was on its way to. With patience it tries until the lease's end,
// after which the message would look in doubt.
func (d *Dispatcher) releaseLease(ctx context.Context, j job, due time.Time, patient bool) {
	for try := 1; ; try++ {
		m := j.Message
		m.DueAt = earliest(due, m.ExpiresAt)
		if j.step >= 0 {
			m.Lane = j.channelName()
		}
		u, err := d.updates.Do(updateRequest{message: m, lookupRefs: j.lookupRefs})
		if err != nil && patient && ctx.Err() == nil && d.now().Before(j.lease) {
			d.pause(ctx, storeRetry.backoff(try))
			continue
		}
		if err != nil {
			return // the lease's end repeats it
		}
		if !u.stale {
			d.applyParked(ctx, u.parked)
			return
		}
		stored, err := d.Message(ctx, m.ID)
		if err != nil || !j.leaseHeld(&stored) {
			return // another dispatcher has it, or it has ended
		}
		tries := m.triesOf(j.step)
		*j.Message = stored
		j.clearInFlight(tries)
	}
}
