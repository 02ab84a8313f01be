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

// claims is the loop that takes what is due to its lane, until ctx ends.
func (d *Dispatcher) claims(ctx context.Context) {
	failures := 0
	for ctx.Err() == nil {
		pause := d.cfg.Poll - d.cfg.Poll/10 + rand.N(d.cfg.Poll/5+1) // so that many dispatchers spread out
		for _, slow := range []bool{false, true} {
			limit, except := d.room(slow)
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
		case <-d.wake:
		case <-d.cfg.Clock.After(pause):
		}
	}
}

// room says how many messages a claim may bring, such that every lane that is not
// excepted has a place for each of them. Lanes with a low rate limit have little
// room: they have claims of their own, or every claim would be as small as theirs.
func (d *Dispatcher) room(slow bool) (limit int, except []channel.Name) {
	for name, l := range d.lanes {
		isSlow := l.batch < d.cfg.Batch
		switch {
		case !l.promise() || isSlow != slow:
			except = append(except, name)
		case limit == 0 || l.batch < limit:
			limit = l.batch
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
	err = d.call(context.WithoutCancel(ctx), "Claim", func(ctx context.Context) error {
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
	js, err := d.jobs(ctx, ms)
	for _, j := range js {
		l := d.lanes[j.channel()]
		switch {
		case err != nil:
			rest.Go(func() { d.putBack(ctx, j, d.now().Add(d.cfg.Poll), true) })
		case j.step < 0 || l == nil:
			rest.Go(func() { _, _ = d.work(ctx, j, true) }) // an error was told; the lease's end repeats it
		case l.admit():
			l.push(j)
		default:
			rest.Go(func() { d.putBack(ctx, j, d.now().Add(d.cfg.Poll), true) })
		}
	}
	rest.Wait()
}

// jobs says what each claimed message needs next, after a look at the receipts that
// are parked for it: one that came before the provider's ID was stored, by a
// dispatcher that then died, waits there. After an error, which is the store's, the
// jobs are undecided: what is parked must not be passed over.
func (d *Dispatcher) jobs(ctx context.Context, ms []Message) ([]job, error) {
	now := d.now()
	js := make([]job, len(ms))
	var refs []channel.Ref
	for i := range ms {
		m := &ms[i]
		js[i] = job{Message: m, step: -1, lease: m.DueAt, before: d.snapshot(m)}
		if m.Claims > 1 {
			step := m.inFlight()
			m.markInFlight(step, m.triesAt(step)+m.Claims-1, now)
			if a := m.current(); a != nil && a.Reason == status.InDoubt {
				// Its own ID is about to be stored: what is parked under it is looked at then too.
				js[i].look = append(js[i].look, a.ref())
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
		rs, err := d.parked(ctx, refs)
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
			d.takeParked(j, parked, now)
		}
		if step, send := d.decide(j.Message, now); send {
			j.step = step
			a := j.attempt(step)
			j.doubt = a != nil && a.Reason == status.InDoubt
		}
	}
	return js, nil
}

// takeParked makes parked receipts part of a claimed message.
func (d *Dispatcher) takeParked(j *job, parked map[channel.Ref][]channel.Receipt, now time.Time) {
	for i := range j.Attempts {
		ref := j.Attempts[i].ref()
		for _, r := range parked[ref] {
			d.take(j.Message, &j.Attempts[i], r)
		}
		if len(parked[ref]) > 0 {
			j.look = append(j.look, ref)
		}
	}
	if len(j.look) == 0 {
		return
	}
	d.settle(j.Message, now)
	if !j.delivered() {
		j.DueAt = j.lease
	}
}

// channel returns the channel that the job is for, or "" if nothing is to be sent.
func (j *job) channel() channel.Name {
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
		js, err := d.jobs(ctx, c.Messages)
		for _, j := range js {
			if err != nil {
				d.putBack(ctx, j, d.now(), false) // it may not look in doubt when it is not
				continue
			}
			var did bool
			if did, err = d.work(ctx, j, false); did && err == nil {
				advanced[j.ID] = true
			}
		}
		if err != nil {
			return len(advanced), err
		}
	}
}

// putBack ends a lease without a send: the message is due again at the given time,
// for the lane it was on its way to. With patience it tries until the lease's end,
// after which the message would look in doubt.
func (d *Dispatcher) putBack(ctx context.Context, j job, due time.Time, patient bool) {
	for try := 1; ; try++ {
		m := j.Message
		m.DueAt = earliest(due, m.ExpiresAt)
		if j.step >= 0 {
			m.Lane = j.channel()
		}
		u, err := d.updates.put(update{m: m, look: j.look})
		if err != nil && patient && ctx.Err() == nil && d.now().Before(j.lease) {
			d.pause(ctx, storeRetry.backoff(try))
			continue
		}
		if err != nil {
			return // the lease's end repeats it
		}
		if !u.stale {
			d.takeIn(ctx, u.parked)
			return
		}
		stored, err := d.Message(ctx, m.ID)
		if err != nil || !j.holds(&stored) {
			return // another dispatcher has it, or it has ended
		}
		tries := m.triesAt(j.step)
		*j.Message = stored
		j.unmark(tries)
	}
}
