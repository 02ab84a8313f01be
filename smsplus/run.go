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
	var workers sync.WaitGroup
	var busy atomic.Int64
	for _, l := range d.lanes {
		queue := l.open()
		workers.Go(func() { // what waits when ctx ends goes back at once, though every worker is busy
			<-ctx.Done()
			for j := range queue {
				d.serve(sending, ctx, l, j)
			}
		})
		for range l.workers {
			workers.Go(func() {
				for j := range queue {
					busy.Add(1)
					d.serve(sending, ctx, l, j)
					busy.Add(-1)
				}
			})
		}
	}
	for _, l := range d.lanes {
		if listener, ok := l.ch.(channel.Listener); ok {
			workers.Go(func() { d.listen(ctx, l.name, listener) })
		}
	}
	if w, ok := d.cfg.Store.(Waker); ok {
		workers.Go(func() { d.heed(ctx, w) })
	}
	d.claims(ctx)

	for _, l := range d.lanes {
		l.stop()
	}
	drained := make(chan struct{})
	go func() {
		workers.Wait()
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
	return fmt.Errorf("smsplus: run: gave up on %d sends, or a listener, that ignore that their context ended", busy.Load())
}

// serve does a worker's one job.
func (d *Dispatcher) serve(sending, running context.Context, l *lane, j job) {
	l.picked()
	if running.Err() != nil {
		d.putBack(sending, j, d.now(), true)
	} else if _, err := d.work(sending, j, true); err != nil {
		d.cfg.Logger.LogAttrs(sending, slog.LevelError, "smsplus: outcome is not stored; the message falls due again",
			slog.String("message", j.ID.String()), slog.Any("error", err))
	}
	roomy := l.release()
	dueSoon := !j.DueAt.IsZero() && j.DueAt.Sub(d.now()) < d.cfg.Poll
	if roomy || dueSoon {
		d.nudge()
	}
}

// listen keeps a channel's session for receipts up.
func (d *Dispatcher) listen(ctx context.Context, name channel.Name, l channel.Listener) {
	d.keepUp(ctx, func(ctx context.Context) error { return l.Listen(ctx, d.Receive) }, func(err error) {
		d.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "smsplus: listener stopped; it is started again",
			slog.String("channel", string(name)), slog.Any("error", err))
		d.observe(ctx, ListenerStopped{name, err})
	})
}

// heed lets the store wake the claim loop. What is missed while it does not is found
// by the next poll.
func (d *Dispatcher) heed(ctx context.Context, w Waker) {
	d.keepUp(ctx, func(ctx context.Context) error { return w.Wake(ctx, d.nudge) }, func(err error) {
		d.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "smsplus: the store does not wake the dispatcher; it is asked again",
			slog.Any("error", err))
		d.observe(ctx, StoreError{"Wake", err})
	})
}

// keepUp has a session whenever the one before it stopped, until ctx ends. Those that
// break soon are begun again ever more slowly.
func (d *Dispatcher) keepUp(ctx context.Context, session func(context.Context) error, stopped func(error)) {
	for try := 1; ctx.Err() == nil; try++ {
		began := d.now()
		err := guarded(ctx, session)
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

// guarded has a session. One that panics has stopped.
func guarded(ctx context.Context, session func(context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("smsplus: session panicked (%T)", p)
		}
	}()
	return session(ctx)
}
