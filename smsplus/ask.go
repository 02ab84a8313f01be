package smsplus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

// asker asks the provider of one channel for the outcome of attempts, before their messages
// continue. A message is claimed when its wait is over, when a send of it is in doubt, or when
// [channel.Traits.PollEvery] says so. Its job waits here until the provider has answered. The
// answer is applied as a receipt, and the job is decided from the message as it is then. So a
// process that dies at any time loses no answer: the next claim asks again.
//
// At most one Query is in flight. A provider that cannot be asked delays its messages by
// maxCallFailures Queries.
type asker struct {
	name    channel.Name
	querier channel.Querier

	inbox jobInbox
	calls chan struct{} // a slot for the call that has not returned

	asking   sync.Mutex // held during a Query; guards the fields below
	failures int        // Queries in a row that failed
	nextAt   time.Time  // no Query begins earlier; zero: the last one did not fail
}

func newAsker(name channel.Name, q channel.Querier) *asker {
	return &asker{name: name, querier: q, calls: make(chan struct{}, 1)}
}

// askLoop asks about the jobs of a queue until it is closed. When ctx has ended it puts them
// back.
func (d *Dispatcher) askLoop(ctx context.Context, s *runState, a *asker, queue <-chan job) {
	for j := range queue {
		js := takeWaiting(j, queue, callBatch)
		if ctx.Err() != nil {
			d.releaseJobs(s, js)
			continue
		}
		js = d.askProvider(ctx, a, js, false)
		d.dispatchJobs(ctx, js)
	}
}

// askProviders asks for Tick about all jobs, in the caller's goroutine. It returns the jobs
// that continue.
func (d *Dispatcher) askProviders(ctx context.Context, js []job) []job {
	for _, ch := range d.cfg.Channels {
		a := d.askers[ch.Name()]
		if a == nil {
			continue
		}
		var asked, others []job
		for _, j := range js {
			if j.hasQuestionFor(a.name) {
				asked = append(asked, j)
			} else {
				others = append(others, j)
			}
		}
		for batch := range slices.Chunk(asked, callBatch) {
			others = append(others, d.askProvider(ctx, a, batch, true)...)
		}
		js = others
	}
	return js
}

// hasQuestionFor reports whether the provider of a channel is to be asked about the job.
func (j *job) hasQuestionFor(name channel.Name) bool {
	return slices.ContainsFunc(j.questions, func(r channel.Ref) bool { return r.Channel == name })
}

// askProvider asks a provider about at most callBatch jobs, stores its answers, and decides the
// jobs that have no more questions. It returns the jobs that continue. The others are put back,
// or have lost their message.
func (d *Dispatcher) askProvider(ctx context.Context, a *asker, js []job, inTick bool) (rest []job) {
	var refs []channel.Ref
	until := d.lastCall(&js[0])
	for _, j := range js {
		until = earliest(until, d.lastCall(&j))
		for _, ref := range j.questions {
			if ref.Channel == a.name {
				refs = append(refs, ref)
			}
		}
	}
	answers, againAt := d.queryProvider(ctx, a, refs, until)
	answered := make(map[channel.Ref]bool, len(answers))
	for _, r := range answers {
		answered[r.Ref()] = true
	}
	var err error
	if len(answers) > 0 {
		err = d.Receive(ctx, answers...)
	}
	goesOn := make([]bool, len(js))
	var updates sync.WaitGroup // they share a commit
	start := starterOf(&updates, inTick)
	for i := range js {
		j := &js[i]
		isAnswered := slices.ContainsFunc(j.questions, func(r channel.Ref) bool { return answered[r] })
		if err != nil && isAnswered || !isAnswered && !againAt.IsZero() {
			start(func() { d.releaseLease(ctx, *j, latest(againAt, d.now().Add(d.cfg.Poll)), false) })
			continue
		}
		j.questions = slices.DeleteFunc(j.questions, func(r channel.Ref) bool { return r.Channel == a.name })
		start(func() { goesOn[i] = d.decideAsked(ctx, j, isAnswered) })
	}
	updates.Wait()
	for i, j := range js {
		if goesOn[i] {
			rest = append(rest, j)
		}
	}
	return rest
}

// decideAsked decides a job after its provider was asked, and reports whether the job continues.
// The message of an answered job is read again.
func (d *Dispatcher) decideAsked(ctx context.Context, j *job, isAnswered bool) bool {
	held, changed := true, false
	if isAnswered {
		var err error
		if held, changed, err = d.rereadMessage(ctx, j); err != nil {
			d.putBack(ctx, *j)
			return false
		}
	}
	if !changed {
		d.decideJob(j, d.now())
	}
	return held
}

// queryProvider asks about attempts until the given time at the latest. If the provider did
// not answer and is to be asked again, againAt says when. It is zero after maxCallFailures
// failures, or if the provider asks for a longer wait than callRetry.Max: then messages continue.
func (d *Dispatcher) queryProvider(ctx context.Context, a *asker, refs []channel.Ref, until time.Time) (answers []channel.Receipt, againAt time.Time) {
	a.asking.Lock()
	defer a.asking.Unlock()
	now := d.now()
	timeout := min(d.cfg.SendTimeout, until.Sub(now))
	if timeout <= 0 {
		return nil, now // the lease leaves no time
	}
	var err error
	if !now.Before(a.nextAt) {
		if answers, err = d.callQuerier(ctx, a, refs, timeout); err != nil && ctx.Err() != nil {
			return answers, now // the run ends: that is no fault of the provider
		}
		d.reportEvent(ctx, ProviderAsked{a.name, len(refs), len(answers), err})
		if err == nil {
			a.failures, a.nextAt = 0, time.Time{}
			return answers, time.Time{}
		}
		d.logFailure(ctx, "smsplus: a provider could not be asked", slog.String("channel", string(a.name)), slog.Any("error", err))
		a.failures++
		wait := callRetry.backoff(a.failures)
		if e, ok := errors.AsType[*channel.Error](err); ok {
			wait = max(wait, e.RetryAfter())
		}
		a.nextAt = normalizeTime(d.now().Add(wait))
	}
	if a.failures < maxCallFailures && a.nextAt.Sub(now) <= callRetry.Max {
		againAt = a.nextAt
	}
	return answers, againAt
}

// callQuerier calls the channel under a deadline. It returns the receipts that answer one of
// the refs. There is no other call while one that ignores its deadline has not returned.
func (d *Dispatcher) callQuerier(ctx context.Context, a *asker, refs []channel.Ref, timeout time.Duration) ([]channel.Receipt, error) {
	asked := slices.Clone(refs)
	answers, err := callOrLeave(ctx, a.calls, timeout, func(ctx context.Context) ([]channel.Receipt, error) {
		return a.querier.Query(ctx, asked)
	})
	if err != nil {
		err = fmt.Errorf("smsplus: channel %s: Query: %w", a.name, err)
	}
	answers = slices.DeleteFunc(slices.Clone(answers), func(r channel.Receipt) bool {
		saysNothing := r.Status == status.Preparing && !r.Read
		return saysNothing || !r.Status.Valid() || !isStorable(r.At) || !slices.Contains(refs, r.Ref())
	})
	return answers, err
}
