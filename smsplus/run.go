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

// listenRetry paces the restarts of sessions: a channel's for receipts, the store's
// for waking the claim loop.
var listenRetry = Retry{Base: time.Second, Max: time.Minute}

// Run dispatches messages and listens for receipts until ctx ends. It then drains:
// what waits in the lanes goes back to the store at once, sends under way are
// given Config.DrainTimeout, and their outcomes are stored. It returns nil, or an
// error if a channel ignores its context: its message falls due again, in doubt,
// when the lease ends. It returns [ErrRunning] if the Dispatcher runs already.
func (d *Dispatcher) Run(ctx context.Context) error {
	if !d.running.CompareAndSwap(false, true) {
		return ErrRunning
	}
	defer d.running.Store(false)

	// Sends outlive ctx by the drain, and carry its values.
	sending, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	s := &runState{running: ctx, sending: sending}
	for _, l := range d.lanes {
		queue := l.start()
		s.workers.Go(func() { // what waits when ctx ends goes back at once, though every worker is busy
			<-ctx.Done()
			for j := range queue {
				d.processJob(s, l, j)
			}
		})
		for range l.workers {
			s.workers.Go(func() {
				for j := range queue {
					d.processJob(s, l, j)
				}
			})
		}
	}
	for _, l := range d.lanes {
		if listener, ok := l.ch.(channel.Listener); ok {
			s.workers.Go(func() { d.listen(ctx, l.name, listener) })
		}
	}
	if w, ok := d.cfg.Store.(DueNotifier); ok {
		s.workers.Go(func() { d.watchStore(ctx, w) })
	}
	d.claimLoop(ctx)

	for _, l := range d.lanes {
		l.stop()
	}
	drained := make(chan struct{})
	go func() {
		s.workers.Wait()
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
	return fmt.Errorf("smsplus: run: gave up on %d sends, or a listener, that ignore that their context ended", s.busy.Load())
}

// runState is what the goroutines of one Run have in common.
type runState struct {
	running context.Context // ends when no more is to be begun
	sending context.Context // ends when what was begun is to end
	workers sync.WaitGroup  // and the jobs that they have not finished
	busy    atomic.Int64    // those jobs
}

// processJob does a worker's one job. The worker does not wait until what came of it is
// stored, unless too much is on its way there.
func (d *Dispatcher) processJob(s *runState, l *lane, j job) {
	s.workers.Add(1)
	s.busy.Add(1)
	l.dequeued()
	c, _ := d.completions.Get().(*completion)
	if c == nil {
		c = new(completion)
	}
	c.job, c.untilLeaseEnds, c.run, c.lane = j, true, s, l
	if s.running.Err() != nil {
		d.releaseLease(s.sending, j, d.now(), true)
		d.finishJob(c, nil)
	} else if store, err := d.execute(s.sending, c); !store {
		d.finishJob(c, err)
	} else {
		d.unstoredOutcomes <- struct{}{}
		d.updates.Submit(d.buildUpdate(c))
	}
}

// onUpdateStored goes on with a conclusion that serve handed over.
func (d *Dispatcher) onUpdateStored(u updateRequest, err error) {
	c := u.completion
	if err == nil && !u.stale && len(u.parked) == 0 {
		d.reportChanges(c.run.sending, c.previous, c.Message)
		<-d.unstoredOutcomes
		d.finishJob(c, nil)
		return
	}
	go func() { // the shift does not end before its jobs are finished
		again, err := d.afterStore(c.run.sending, c, u, err)
		if again {
			err = d.complete(c.run.sending, c)
		}
		<-d.unstoredOutcomes
		d.finishJob(c, err)
	}()
}

// finishJob is the end of a job that serve began.
func (d *Dispatcher) finishJob(c *completion, err error) {
	if err != nil {
		d.cfg.Logger.LogAttrs(c.run.sending, slog.LevelError, "smsplus: outcome is not stored; the message falls due again",
			slog.String("message", c.ID.String()), slog.Any("error", err))
	}
	now := d.now()
	c.lane.release(now)
	if !c.DueAt.IsZero() && c.DueAt.Sub(now) < d.cfg.Poll {
		d.wakeClaimLoop()
	}
	s := c.run
	*c = completion{}
	d.completions.Put(c)
	s.busy.Add(-1)
	s.workers.Done()
}

// listen keeps a channel's session for receipts up.
func (d *Dispatcher) listen(ctx context.Context, name channel.Name, l channel.Listener) {
	d.supervise(ctx, func(ctx context.Context) error { return l.Listen(ctx, d.Receive) }, func(err error) {
		d.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "smsplus: listener stopped; it is started again",
			slog.String("channel", string(name)), slog.Any("error", err))
		d.observe(ctx, ListenerStopped{name, err})
	})
}

// watchStore lets the store wake the claim loop. What is missed while it does not is found
// by the next poll.
func (d *Dispatcher) watchStore(ctx context.Context, w DueNotifier) {
	d.supervise(ctx, func(ctx context.Context) error { return w.NotifyDue(ctx, d.wakeClaimLoop) }, func(err error) {
		d.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "smsplus: the store does not wake the dispatcher; it is asked again",
			slog.Any("error", err))
		d.observe(ctx, StoreFailed{"NotifyDue", err})
	})
}

// supervise has a session whenever the one before it stopped, until ctx ends. Those that
// break soon are begun again ever more slowly.
func (d *Dispatcher) supervise(ctx context.Context, session func(context.Context) error, stopped func(error)) {
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
		d.pause(ctx, listenRetry.backoff(try))
	}
}

// recoverPanic has a session. One that panics has stopped.
func recoverPanic(ctx context.Context, session func(context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("smsplus: session panicked (%T)", p)
		}
	}()
	return session(ctx)
}
