package smsplus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/smsplus/smsplus-go/channel"
)

// maxRecalls is the maximum number of calls of one channel's Recall in flight.
const maxRecalls = 8

// recaller takes attempts of one channel back from their provider. The message's row is the
// request: it stays due until the answer is stored. So a process that dies loses no recall. The
// next holder repeats it, which does no harm. A recall that fails is repeated as often as a
// send (Config.Retry).
//
// Recalls wait in a bounded queue of their own. So a provider that hangs holds up no send. After
// maxCallFailures failures, one recall calls the provider after each back-off. The others count
// as failed without a call.
type recaller struct {
	name  channel.Name
	ch    channel.Recaller
	inbox jobInbox
	calls chan struct{} // a slot for each call that has not returned

	mu       sync.Mutex
	failures int       // calls in a row that failed
	nextAt   time.Time // no call begins earlier; zero: fewer than maxCallFailures failed
}

func newRecaller(name channel.Name, ch channel.Recaller) *recaller {
	return &recaller{name: name, ch: ch, calls: make(chan struct{}, maxRecalls)}
}

// recallLoop carries out the recalls of a queue until it is closed. When ctx has ended it puts
// them back.
func (d *Dispatcher) recallLoop(ctx context.Context, s *runState, r *recaller, queue <-chan job) {
	for j := range queue {
		if ctx.Err() != nil {
			d.releaseJobs(s, takeWaiting(j, queue, callBatch))
			continue
		}
		if rest, ok := d.recallAttempt(s.sending, r, j, true); ok {
			d.dispatchJobs(ctx, []job{rest})
		}
	}
}

// recallForTick carries out the recall of a job, if it has one, in the caller's goroutine. It
// returns the job, and whether it continues.
func (d *Dispatcher) recallForTick(ctx context.Context, j job) (rest job, ok bool) {
	if j.recall == (channel.Ref{}) {
		return j, true
	}
	return d.recallAttempt(ctx, d.recallers[j.recall.Channel], j, false)
}

// recallAttempt asks a provider to take an attempt back, and stores the answer. The row is read
// once more before the call, so that nothing is taken back whose successor has failed. A job that
// has no recall after that continues: then ok is true.
func (d *Dispatcher) recallAttempt(ctx context.Context, r *recaller, j job, mayWait bool) (rest job, ok bool) {
	held, changed, err := d.rereadMessage(ctx, &j)
	switch {
	case err != nil:
		d.putBack(ctx, j)
		return j, false
	case !held:
		return j, false
	case changed && j.recall.Channel != r.name:
		return j, true
	}
	a := d.attemptToRecall(j.Message)
	if a == nil || a.ref() != j.recall {
		j.recall = channel.Ref{}
		return j, true
	}
	now := d.now()
	timeout := min(d.cfg.SendTimeout, d.lastCall(&j).Sub(now))
	if timeout <= 0 {
		d.releaseLease(ctx, j, now, mayWait) // the lease leaves no time
		return j, false
	}
	// Each claim of a holder that died may have been a try.
	o := recallOutcome{step: a.Step, tries: a.RecallTries + j.Claims}
	err = errRecallsFail
	if o.tries <= d.retry.Tries && r.mayCall(now) {
		if o.answer, err = d.callRecaller(ctx, r, j.recall, timeout); err != nil && ctx.Err() != nil {
			d.releaseLease(ctx, j, now, mayWait) // the run ends: that is no fault of the provider
			return j, false
		}
	}
	o.at = d.now()
	o.again = normalizeTime(o.at.Add(d.retry.backoff(o.tries)))
	d.storeRecall(ctx, r, &completion{job: j, mayWait: mayWait}, o, err)
	return j, false
}

// storeRecall stores the outcome of a recall, and reports it. Err is that of the call.
func (d *Dispatcher) storeRecall(ctx context.Context, r *recaller, c *completion, o recallOutcome, err error) {
	c.setOutcome(outcome{step: -1, recall: &o})
	if failed := d.storeCompletion(ctx, c); failed != nil {
		d.logFailure(ctx, "smsplus: the answer to a recall is not stored; it is asked for again",
			slog.String("channel", string(r.name)), slog.String("message", c.ID.String()), slog.Any("error", failed))
		return
	}
	if a := c.attempt(o.step); a != nil && (a.Recall != 0 || !errors.Is(err, errRecallsFail)) {
		d.reportEvent(ctx, AttemptRecalled{c.ID, a.ID, c.Template, r.name, a.Recall, err})
	}
	if c.mayWait && !c.DueAt.IsZero() && c.DueAt.Sub(d.now()) < d.cfg.Poll {
		d.wakeClaimLoop()
	}
}

// errRecallsFail is the error of a recall that was not tried, because the last calls failed.
var errRecallsFail = errors.New("smsplus: the last recalls have failed")

// callRecaller calls the channel under a deadline. An answer that does not exist is an error.
func (d *Dispatcher) callRecaller(ctx context.Context, r *recaller, ref channel.Ref, timeout time.Duration) (answer channel.Recall, err error) {
	answer, err = callOrLeave(ctx, r.calls, timeout, func(ctx context.Context) (channel.Recall, error) {
		return r.ch.Recall(ctx, ref)
	})
	switch {
	case err != nil:
		err = fmt.Errorf("smsplus: channel %s: Recall: %w", r.name, err)
	case !answer.Valid():
		err = fmt.Errorf("smsplus: channel %s: Recall returned no answer (%d)", r.name, uint8(answer))
	}
	if err != nil && ctx.Err() != nil {
		return 0, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.failures, r.nextAt = 0, time.Time{}
		return answer, nil
	}
	r.failures++
	if r.failures >= maxCallFailures {
		r.nextAt = d.now().Add(callRetry.backoff(r.failures))
	}
	d.logFailure(ctx, "smsplus: a recall failed", slog.String("channel", string(r.name)), slog.Any("error", err))
	return 0, err
}

// mayCall reports whether the provider may be called. While its calls fail, one caller may after
// each back-off.
func (r *recaller) mayCall(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Before(r.nextAt) {
		return false
	}
	if !r.nextAt.IsZero() {
		r.nextAt = now.Add(callRetry.backoff(r.failures))
	}
	return true
}
