package smsplus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/microtime"
	"github.com/smsplus/smsplus-go/smsplus/internal/groupcommit"
)

// outcomeRetry paces the calls of Outcomes for one message, after errors.
var outcomeRetry = Retry{Base: time.Second, Max: time.Hour}

// publisher bounds the messages whose outcomes this dispatcher publishes in a Run. An update
// that ends a message claims it for its outcomes at once, if a place is free. So such an end
// costs one update more. Other messages wait in OutcomeLane for a claim. An Outcomes that hangs
// takes up these places, and delays no channel.
//
// Invariants under mu:
//   - 0 ≤ places ≤ maxPlaces, and jobs counts the places
//   - each place belongs to one message, from its reservation until its outcomes are stored as
//     published, or it is put back
//   - places are reserved only while isOpen
type publisher struct {
	maxPlaces int
	calls     chan struct{}  // a semaphore of the calls in flight
	freed     chan struct{}  // wakes the outcome loop; has room for one signal
	jobs      sync.WaitGroup // Run waits for it

	mu                 sync.Mutex
	isOpen             bool
	accepting, sending context.Context // as in runState
	places             int             // reserved
	isShort            bool            // a place was wanted and none was free
}

func newPublisher(c Config) *publisher {
	return &publisher{
		maxPlaces: max(2*c.OutcomeConcurrency, 2*c.Batch), freed: make(chan struct{}, 1),
		calls: make(chan struct{}, c.OutcomeConcurrency),
	}
}

// open lets places be reserved, for a run with the given contexts.
func (p *publisher) open(accepting, sending context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.isOpen, p.accepting, p.sending = true, accepting, sending
}

// close lets no more places be reserved. Reserved ones are freed when their messages are stored
// or put back.
func (p *publisher) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.isOpen = false
}

// reservePlaces reserves up to n places and returns how many.
func (p *publisher) reservePlaces(n int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.isOpen {
		return 0
	}
	free := p.maxPlaces - p.places
	p.isShort = p.isShort || free < n
	n = min(n, free)
	p.places += n
	p.jobs.Add(n)
	return n
}

// freePlaces gives reserved places back.
func (p *publisher) freePlaces(n int) {
	p.mu.Lock()
	p.places -= n
	wake := p.isShort
	p.isShort = false
	p.mu.Unlock()
	p.jobs.Add(-n)
	if wake {
		select {
		case p.freed <- struct{}{}:
		default:
		}
	}
}

// preclaimOutcomes claims the messages of a batch of updates that are due to be published, as
// many as there are places for.
func (d *Dispatcher) preclaimOutcomes(batch []*groupcommit.Entry[updateRequest]) {
	if d.publisher == nil {
		return
	}
	var now time.Time
	var holder int64
	for _, e := range batch {
		m := e.Item.message
		if m.Lane != OutcomeLane || m.Claims > 0 {
			continue
		}
		if now.IsZero() {
			now, holder = d.now(), newHolder()
		}
		if !m.DueAt.After(now) && d.publisher.reservePlaces(1) == 1 {
			e.Item.outcomesDue = m.DueAt
			m.preclaimed(holder, now.Add(d.cfg.Lease))
		}
	}
}

// startPreclaimed publishes the outcomes of the messages that the updates have claimed. A message
// that is not stored is as it was before.
func (d *Dispatcher) startPreclaimed(batch []*groupcommit.Entry[updateRequest]) {
	if d.publisher == nil {
		return
	}
	for _, e := range batch {
		u := &e.Item
		switch {
		case u.outcomesDue.IsZero():
		case e.Err == nil && !u.stale:
			d.startPublishing(newPublishJob(u.message))
		default:
			u.message.dropPreclaim(u.outcomesDue)
			d.publisher.freePlaces(1)
		}
		u.outcomesDue = time.Time{}
	}
}

// publishJob is an ended message that this dispatcher has claimed for its outcomes.
type publishJob struct {
	message Message
	lease   time.Time
	holder  int64
	retryAt time.Time // when the outcome that was not taken is published again; zero: at once
}

func newPublishJob(m *Message) *publishJob {
	j := &publishJob{message: *m, lease: m.DueAt, holder: m.Holder}
	j.message.Attempts = slices.Clone(m.Attempts)
	return j
}

// startPublishing publishes the outcomes of a job that has a place. It does not wait for that.
func (d *Dispatcher) startPublishing(j *publishJob) {
	p := d.publisher
	p.mu.Lock()
	accepting, sending := p.accepting, p.sending
	p.mu.Unlock()
	go func() { // Run waits for it, because of the place
		defer p.freePlaces(1)
		select {
		case p.calls <- struct{}{}:
			defer func() { <-p.calls }()
		case <-accepting.Done():
		}
		if accepting.Err() == nil {
			d.publishOutcomes(sending, j)
		}
		_ = d.storePublished(sending, j, true) // the error is reported; the end of the lease repeats it
	}()
}

// outcomeLoop claims messages whose outcomes are due until ctx ends.
func (d *Dispatcher) outcomeLoop(ctx context.Context) {
	failures := 0
	for ctx.Err() == nil {
		idle := d.jitterIdle()
		if n := d.publisher.reservePlaces(d.cfg.Batch); n > 0 {
			c, err := d.claimOutcomes(ctx, n)
			d.publisher.freePlaces(n - len(c.Messages))
			for i := range c.Messages {
				d.startPublishing(newPublishJob(&c.Messages[i]))
			}
			switch {
			case err != nil:
				failures++
				idle = storeRetry.backoff(failures)
			case len(c.Messages)+len(c.Unreadable) == n:
				failures, idle = 0, 0
			case !c.Next.IsZero():
				failures, idle = 0, min(idle, max(time.Millisecond, c.Next.Sub(d.now())))
			default:
				failures = 0
			}
		}
		if idle == 0 {
			continue
		}
		select {
		case <-ctx.Done():
		case <-d.publisher.freed:
		case <-d.cfg.Clock.After(idle):
		}
	}
}

// claimOutcomes leases messages whose outcomes are due. Their templates need not be known.
func (d *Dispatcher) claimOutcomes(ctx context.Context, limit int) (Claimed, error) {
	now := d.now()
	c, err := d.claimRows(ctx, Claim{
		Now: now, Lease: d.cfg.Lease, Limit: limit, Holder: newHolder(), Only: []channel.Name{OutcomeLane},
	})
	if err != nil {
		return Claimed{}, err
	}
	d.setAside(ctx, c.Unreadable, now)
	return c, nil
}

// publishDue publishes for Tick the outcomes that are due, in the caller's goroutine. It adds the
// messages whose outcomes were taken, and reports whether there may be more. After an error of
// the store it puts the rest back.
func (d *Dispatcher) publishDue(ctx context.Context, advanced map[uuid.UUID]bool) (more bool, err error) {
	if d.publisher == nil {
		return false, nil
	}
	c, err := d.claimOutcomes(ctx, d.cfg.Batch)
	for i := range c.Messages {
		j := newPublishJob(&c.Messages[i])
		if err == nil && d.publishOutcomes(ctx, j) {
			advanced[j.message.ID] = true
		}
		if storeErr := d.storePublished(ctx, j, false); err == nil {
			err = storeErr
		}
	}
	return len(c.Messages)+len(c.Unreadable) > 0, err
}

// publishOutcomes publishes a job's outcomes, one after the other, until one is not taken or the
// lease leaves no time. It reports whether one was taken.
func (d *Dispatcher) publishOutcomes(ctx context.Context, j *publishJob) (taken bool) {
	m := &j.message
	for {
		kind, ok := m.nextOutcome()
		now := d.now()
		timeout := min(d.cfg.SendTimeout, j.lease.Sub(now)-d.cfg.StoreTimeout)
		if !ok || timeout <= 0 || ctx.Err() != nil {
			return taken
		}
		o := m.outcomeOf(kind, now)
		err := d.callOutcomes(ctx, o, timeout)
		d.reportEvent(ctx, OutcomePublished{m.ID, m.Template, kind, d.now().Sub(o.At), err})
		if err != nil {
			d.logFailure(ctx, "smsplus: an outcome is not published; it is published again",
				slog.String("kind", kind.String()), slog.String("message", m.ID.String()), slog.Any("error", err))
			m.notePublishFailure()
			j.retryAt = d.nextTry(m, err)
			return taken
		}
		m.notePublished(kind)
		taken = true
	}
}

// nextTry returns when an outcome that was not taken is published again.
func (d *Dispatcher) nextTry(m *Message, err error) time.Time {
	wait := outcomeRetry.backoff(m.Published.Failures)
	if r, ok := errors.AsType[*RetryError](err); ok {
		wait = max(time.Second, r.After)
	}
	return earliest(microtime.Time(microtime.Ceil(d.now().Add(wait))), maxTime)
}

// callOutcomes calls Outcomes under a deadline. A panic is an error, and so is a RetryError that
// is a nil pointer.
func (d *Dispatcher) callOutcomes(ctx context.Context, o Outcome, timeout time.Duration) (err error) {
	limited := withDeadline(ctx, timeout)
	defer limited.cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("smsplus: Outcomes panicked (%T)", p)
		}
	}()
	err = d.cfg.Outcomes.Publish(limited, o)
	if r, ok := errors.AsType[*RetryError](err); ok && r == nil {
		return errors.New("smsplus: Outcomes returned a RetryError that is nil")
	}
	return err
}

// storePublished stores what was published of a job's message, and releases the message. With
// mayWait it repeats a failed call until the lease or ctx ends. A message that has changed
// meanwhile is stored as it is now. One that another holder has is left alone.
func (d *Dispatcher) storePublished(ctx context.Context, j *publishJob, mayWait bool) error {
	published := j.message.Published
	for try := 1; ; try++ {
		m := j.message
		now := d.now()
		d.published(&m, published, latest(j.retryAt, now), now)
		u, err := d.updates.Do(context.WithoutCancel(ctx), updateRequest{message: &m})
		if err == nil && !u.stale {
			return nil
		}
		if err == nil {
			var stored Message
			stored, err = d.Message(ctx, m.ID)
			switch {
			case errors.Is(err, ErrNotFound), err == nil && stored.Holder != j.holder:
				return nil
			case err == nil:
				j.message = stored
				continue
			}
		}
		if !mayWait || ctx.Err() != nil || !d.now().Before(j.lease) {
			return err
		}
		d.sleepFor(ctx, storeRetry.backoff(try))
	}
}
