package smsplus

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/smsplus/smsplus-go/channel"
)

// listenRetry paces the restarts of sessions: those in which a channel listens for
// receipts, and those in which the store wakes the claim loop.
var listenRetry = Retry{Base: time.Second, Max: time.Minute}

// Run dispatches messages and listens for receipts until ctx ends. Then it drains.
// Messages in the lanes go back to the store at once, sends in flight have
// Config.DrainTimeout, and their outcomes are stored. So have calls of Outcomes. Run returns
// nil, or an error if a channel or Outcomes ignores its context: then its message falls due
// again when the lease ends. It returns [ErrRunning] if the Dispatcher runs already.
func (d *Dispatcher) Run(ctx context.Context) error {
	if !d.running.CompareAndSwap(false, true) {
		return ErrRunning
	}
	defer d.running.Store(false)
	d.pauses.Store(nil) // those of an earlier run are old

	// Sends may outlive ctx by the drain. They keep its values.
	sending, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	s := &runState{accepting: ctx, sending: sending}
	defer func() {
		for _, o := range d.outlets {
			o.useWholeRate(d.now())
		}
	}()
	for _, o := range d.outlets {
		o.useShare(d.now(), 0, d.now()) // until heartbeatLoop knows it
		ready := o.start()
		s.workers.Go(func() { // puts the queue's messages back when ctx ends, even if every worker is busy
			<-ctx.Done()
			for range ready {
				d.processJob(s, o.takeJob(false), nil)
			}
		})
		for range o.workers {
			s.workers.Go(func() {
				for range ready {
					baton, leastUrgent := d.awaitNext(ctx, o)
					d.processJob(s, o.takeJob(leastUrgent), baton)
				}
			})
		}
	}
	for _, o := range d.outlets {
		if listener, ok := o.ch.(channel.Listener); ok {
			s.workers.Go(func() { d.runListener(ctx, o.name, listener) })
		}
	}
	for _, a := range d.askers {
		queue := a.inbox.openQueue(2 * d.cfg.Batch)
		s.workers.Go(func() { d.askLoop(ctx, s, a, queue) })
	}
	for _, r := range d.recallers {
		queue := r.inbox.openQueue(2 * d.cfg.Batch)
		for range maxRecalls {
			s.workers.Go(func() { d.recallLoop(ctx, s, r, queue) })
		}
	}
	if w, ok := d.cfg.Store.(DueNotifier); ok {
		s.workers.Go(func() { d.watchStore(ctx, w) })
	}
	s.workers.Go(func() { d.heartbeatLoop(ctx) })
	s.workers.Go(func() { d.pauseLoop(ctx) })
	if d.publisher != nil {
		d.publisher.open(ctx, sending)
		s.workers.Go(func() { d.outcomeLoop(ctx) })
	}
	d.claimLoop(ctx)

	if d.publisher != nil {
		d.publisher.close()
	}
	for _, a := range d.askers {
		a.inbox.closeQueue()
	}
	for _, r := range d.recallers {
		r.inbox.closeQueue()
	}
	for _, o := range d.outlets {
		o.stop()
	}
	drained := make(chan struct{})
	go func() {
		s.workers.Wait()
		if d.publisher != nil {
			d.publisher.jobs.Wait()
		}
		d.updates.Wait()
		close(drained)
	}()
	for _, patience := range []time.Duration{d.cfg.DrainTimeout, d.cfg.StoreTimeout} {
		timeout, cancel := context.WithTimeout(context.Background(), patience)
		select {
		case <-drained:
			cancel()
			return nil
		case <-timeout.Done():
			cancel()
			cut()
		}
	}
	return fmt.Errorf("smsplus: run: gave up on %d sends, a listener, or Outcomes, that ignore that their context ended", s.busy.Load())
}

// runState is shared by the goroutines of one Run.
type runState struct {
	accepting context.Context // ends when no more sends may begin
	sending   context.Context // ends when sends in flight have to end
	workers   sync.WaitGroup  // the workers, and jobs that are not finished
	busy      atomic.Int64    // jobs that are not finished
}

// awaitNext waits until the channel's rate limit has a token soon, before the worker takes a
// message. So the token goes to the message that is most urgent then. Of a channel's workers
// only the holder of the baton waits. It passes the baton on when it has reserved the token. It
// does not wait while no message of the channel can be sent, nor longer than a lease. After such
// a wait the worker would have to put back the most urgent message, so it takes the least urgent.
func (d *Dispatcher) awaitNext(ctx context.Context, o *outlet) (baton chan struct{}, leastUrgent bool) {
	if o.limiter == nil {
		return nil, false
	}
	select {
	case o.baton <- struct{}{}:
	case <-ctx.Done():
		return nil, false
	}
	for ctx.Err() == nil && !o.isBroken() && !d.pauses.Load().hasChannel(o.name) {
		wait := o.tokenDelay(d.now())
		if wait > d.cfg.Lease-d.cfg.SendTimeout-d.cfg.StoreTimeout {
			return o.baton, true
		}
		if wait <= 0 {
			break
		}
		d.sleepFor(ctx, wait)
	}
	return o.baton, false
}

// processJob runs one job of a worker, which may hold the baton of its channel. The worker does
// not wait until the outcome is stored, unless unstoredOutcomes is full.
func (d *Dispatcher) processJob(s *runState, j job, baton chan struct{}) {
	s.workers.Add(1)
	s.busy.Add(1)
	c, _ := d.completions.Get().(*completion)
	if c == nil {
		c = new(completion)
	}
	c.job, c.mayWait, c.run, c.baton = j, true, s, baton
	if s.accepting.Err() != nil {
		c.passBaton()
		d.releaseLease(s.sending, j, d.now(), true)
		d.finishJob(c, nil)
		return
	}
	store, err := d.executeJob(s.sending, c)
	c.passBaton()
	if !store {
		d.finishJob(c, err)
	} else {
		d.unstoredOutcomes <- struct{}{}
		d.updates.Submit(d.buildUpdate(c, true))
	}
}

// onUpdateStored continues a completion that processJob submitted.
func (d *Dispatcher) onUpdateStored(u updateRequest, err error) {
	c := u.completion
	if err == nil && !u.stale && len(u.parked) == 0 {
		d.reportChanges(c.run.sending, c.previous, c.Message)
		<-d.unstoredOutcomes
		d.finishJob(c, nil)
		return
	}
	go func() { // Run waits for it, because the job is not finished
		err := d.afterStore(c.run.sending, c, u, err)
		<-d.unstoredOutcomes
		d.finishJob(c, err)
	}()
}

// finishJob ends a job that processJob began, and returns its completion to the pool.
func (d *Dispatcher) finishJob(c *completion, err error) {
	if err != nil {
		d.logFailure(c.run.sending, "smsplus: outcome is not stored; the message falls due again",
			slog.String("channel", string(c.lane.name)), slog.String("message", c.ID.String()), slog.Any("error", err))
	}
	now := d.now()
	c.lane.releasePlace(now, c.place)
	if !c.HasEnded() && c.DueAt.Sub(now) < d.cfg.Poll {
		d.wakeClaimLoop()
	}
	s := c.run
	*c = completion{}
	d.completions.Put(c)
	s.busy.Add(-1)
	s.workers.Done()
}

// runListener runs sessions in which a channel listens for receipts, one after the other.
func (d *Dispatcher) runListener(ctx context.Context, name channel.Name, l channel.Listener) {
	d.superviseSession(ctx, func(ctx context.Context) error { return l.Listen(ctx, d.Receive) }, func(err error) {
		d.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "smsplus: listener stopped; it is started again",
			slog.String("channel", string(name)), slog.Any("error", err))
		d.reportEvent(ctx, ListenerStopped{name, err})
	})
}

// watchStore wakes the claim loop on the store's notifications. The next poll finds any
// message whose notification was lost.
func (d *Dispatcher) watchStore(ctx context.Context, w DueNotifier) {
	d.superviseSession(ctx, func(ctx context.Context) error { return w.NotifyDue(ctx, d.wakeClaimLoop) }, func(err error) {
		d.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "smsplus: the store does not wake the dispatcher; it is asked again",
			slog.Any("error", err))
		d.reportEvent(ctx, StoreFailed{"NotifyDue", err})
	})
}

// superviseSession runs sessions one after the other until ctx ends. After sessions that end soon
// it waits longer each time.
func (d *Dispatcher) superviseSession(ctx context.Context, session func(context.Context) error, stopped func(error)) {
	for try := 1; ctx.Err() == nil; try++ {
		began := d.now()
		err := recoverPanic(ctx, session)
		if ctx.Err() != nil {
			return
		}
		if d.now().Sub(began) > listenRetry.Max {
			try = 1
		}
		stopped(err)
		d.sleepFor(ctx, listenRetry.backoff(try))
	}
}

// recoverPanic runs a session and returns a panic as an error.
func recoverPanic(ctx context.Context, session func(context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("smsplus: session panicked (%T)", p)
		}
	}()
	return session(ctx)
}
