package smsplus

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/microtime"
	"github.com/smsplus/smsplus-go/status"
)

// job is a claimed message on its way to a channel, or to its end.
type job struct {
	*Message
	step int       // to send; -1: the message is only stored
	due  time.Time // when the message fell due, before its claim
	// stepDue is when the step fell due: its wait counts from then. It is later than due if
	// steps before it were ended without a send.
	stepDue time.Time
	lease   time.Time // the end of the lease
	holder  int64     // of the lease
	// intent says that the stored row, under holder, permits the send of step. No call is
	// made without it.
	intent bool
	// content is what the step says. It is nil if this dispatcher cannot send the step: it
	// lacks the channel, the template, or the template's step on the channel.
	content     channel.Content
	contentHash ContentHash
	// held says that the job's release moves the message to the lane of its paused template.
	held bool
	// merged names the parked receipts that the message has merged. They are dropped once
	// it is stored.
	merged []channel.Ref
	// questions name the attempts of which the job's provider has to be asked before the job is
	// decided. They are asked once in a claim.
	questions []channel.Ref
	asked     bool // questions have been looked for
	// recall names the attempt that its provider is to take back. It is zero if there is none, or
	// if a step is sent first.
	recall channel.Ref
	// unstored says that the message has evidence that the row lacks: nothing is taken back for
	// its sake before it is stored.
	unstored bool
	// previous is the message as it was claimed, for the Observer; nil without one.
	previous *Message
	// lane is where the job has its place while it is in Run, or nil.
	lane  *lane
	place place
}

// channelName returns the channel of the job's step, or "" if nothing is to be sent.
func (j *job) channelName() channel.Name {
	if j.step < 0 {
		return ""
	}
	return j.Plan[j.step].Channel
}

// lastCall returns the latest time at which the channel may be called: the call, and the
// update that stores its outcome, have to fit into the lease.
func (d *Dispatcher) lastCall(j *job) time.Time {
	return j.lease.Add(-d.cfg.SendTimeout - d.cfg.StoreTimeout)
}

// planJobs decides what each claimed message needs next. It looks at the parked receipts
// first. A receipt that came before its provider ID was stored is still parked if the dispatcher
// that stored the ID died before it looked. If the store fails, the jobs are
// returned undecided with the error, because no parked receipt may be passed over. With
// mayAsk, jobs of messages that may have arrived are returned with questions.
func (d *Dispatcher) planJobs(ctx context.Context, c Claimed, holder int64, mayAsk bool) ([]job, error) {
	js := make([]job, len(c.Messages))
	var refs []channel.Ref
	for i := range js {
		m := &c.Messages[i]
		js[i] = job{Message: m, step: -1, due: c.Due[i], lease: m.DueAt, holder: holder, asked: !mayAsk, previous: d.copyForObserver(m)}
		d.claimed(m, c.Due[i])
		refs = append(refs, m.openRefs()...)
	}
	parked, err := d.parkedByRef(ctx, refs)
	if err != nil {
		return js, err
	}
	now := d.now()
	for i := range js {
		d.planJob(&js[i], parked, now)
	}
	return js, nil
}

// planJob merges the parked receipts of a message that the job holds, and decides what it
// needs, or which questions come first.
func (d *Dispatcher) planJob(j *job, parked map[channel.Ref][]channel.Receipt, now time.Time) {
	j.merged, j.unstored = j.merged[:0], false
	for i := range j.Attempts {
		ref := j.Attempts[i].ref()
		for _, r := range parked[ref] {
			isNew := d.mergeReceipt(j.Message, &j.Attempts[i], r)
			j.unstored = j.unstored || isNew
		}
		if len(parked[ref]) > 0 {
			j.merged = append(j.merged, ref)
		}
	}
	if len(parked) > 0 {
		d.summarizeAttempts(j.Message, now)
	}
	if !j.asked {
		j.asked, j.questions = true, d.questionsAbout(j.Message)
	}
	d.decideJob(j, now)
}

// decideJob decides what the job does with its message, unless it has questions. A send needs
// no intent of its own if the stored row names the step and this is the first claim since the
// last release.
func (d *Dispatcher) decideJob(j *job, now time.Time) {
	j.recall = channel.Ref{}
	if j.succeeded() {
		j.questions = nil
	}
	if len(j.questions) > 0 {
		return
	}
	permitted := -1
	if j.Claims == 1 {
		permitted = j.Sending
	}
	next := d.nextAction(j.Message, j.due, now)
	j.step, j.stepDue = next.step, next.due
	j.intent = j.step >= 0 && j.step == permitted
	j.content, j.contentHash = d.contentFor(j)
	if a := d.attemptToRecall(j.Message); a != nil && j.step < 0 && !j.unstored {
		j.recall = a.ref()
	}
}

// contentFor returns what the job's step says, or nil if this dispatcher cannot send it.
func (d *Dispatcher) contentFor(j *job) (channel.Content, ContentHash) {
	name := j.channelName()
	t := d.template(j.Template)
	if t == nil || d.outlets[name] == nil {
		return nil, 0
	}
	for i, s := range t.Route {
		if s.Channel == name {
			return s.Content, t.hashes[i]
		}
	}
	return nil, 0
}

// isUnserved reports whether the job has a step to send that this dispatcher cannot send.
func (j *job) isUnserved() bool { return j.step >= 0 && j.content == nil }

// openRefs returns the names of the attempts whose receipts could still say something.
func (m *Message) openRefs() []channel.Ref {
	var refs []channel.Ref
	for i := range m.Attempts {
		if a := &m.Attempts[i]; a.ProviderID != "" && a.Status != status.Delivered {
			refs = append(refs, a.ref())
		}
	}
	return refs
}

// parkedByRef returns the receipts that are parked under the refs.
func (d *Dispatcher) parkedByRef(ctx context.Context, refs []channel.Ref) (map[channel.Ref][]channel.Receipt, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	rs, err := d.loadParked(ctx, refs)
	if err != nil || len(rs) == 0 {
		return nil, err
	}
	parked := make(map[channel.Ref][]channel.Receipt, len(rs))
	for _, r := range rs {
		parked[r.Ref()] = append(parked[r.Ref()], r)
	}
	return parked, nil
}

// rereadMessage loads the job's message again, and reports whether the job still holds it and
// whether it has changed. The job of a held and changed message is decided again. After an
// error the job is as it was.
func (d *Dispatcher) rereadMessage(ctx context.Context, j *job) (held, changed bool, err error) {
	stored, err := d.Message(ctx, j.ID)
	switch {
	case errors.Is(err, ErrNotFound):
		return false, true, nil
	case err != nil:
		return false, false, err
	case stored.Version == j.Version:
		return true, false, nil
	case stored.Holder != j.holder:
		return false, true, nil
	}
	j2 := *j
	j2.Message = &stored
	j2.merged = nil
	d.claimed(&stored, j.due)
	parked, err := d.parkedByRef(ctx, stored.openRefs())
	if err != nil {
		return false, false, err
	}
	if stored.succeeded() {
		stored.retractUnsent()
	}
	d.planJob(&j2, parked, d.now())
	*j.Message = stored
	j2.Message = j.Message
	*j = j2
	return true, true, nil
}

// confirmIntent makes sure that the stored row permits the job's send. It writes the intent if
// the row lacks it. Otherwise it reads the row once more, because a receipt or a Cancel may
// have made the send needless since the claim. It reports whether the job still holds the
// message. The job of a held message may have another step afterwards, or none. After an
// error the caller releases the lease.
func (d *Dispatcher) confirmIntent(ctx context.Context, c *completion) (held bool, err error) {
	j := &c.job
	name := j.channelName()
	for try := 1; ; try++ {
		changed, refused := true, error(nil)
		if !j.intent {
			changed, refused = d.storeIntent(ctx, j)
		}
		if refused == nil && !changed {
			return true, nil
		}
		held, changed, err = d.rereadMessage(ctx, j)
		switch {
		case err == nil && !held:
			return false, nil
		case err == nil && (j.step < 0 || j.isUnserved() || j.channelName() != name):
			return true, nil
		case err == nil && j.intent && !changed: // the last look is at the row itself
			return true, nil
		case err == nil && !changed: // the row lacks the intent
			err = refused
		}
		switch {
		case err != nil && (!c.mayWait || ctx.Err() != nil || d.now().After(d.lastCall(j))):
			return false, err
		case err != nil:
			d.sleepFor(ctx, storeRetry.backoff(try))
		}
	}
}

// mayHaveChanged reports whether the row has to be read again before the send: a receipt or
// a Cancel since the claim may have made the send needless. A message without attempts has
// no receipts. A Cancel by this dispatcher is known at once. A Cancel by another one is
// missed in the first recheckAfter.
func (d *Dispatcher) mayHaveChanged(j *job, now time.Time) bool {
	claimedAt := j.lease.Add(-d.cfg.Lease)
	return len(j.Attempts) > 0 || now.Sub(claimedAt) > recheckAfter || d.canceledLeases.consume(j.ID)
}

// recheckAfter is the age of a claim from which a message without attempts is read again
// before its send. Messages wait for less in a fast lane. Reading each of them again would be
// one more call to the store.
const recheckAfter = 2 * rateWindow

// storeIntent stores, under the job's lease, that the job's step is about to be sent. It
// reports whether the row may have changed: the intent was stale, or a look at parked
// receipts followed it. A delivery may have been stored before that look, or parked since
// the job's own.
func (d *Dispatcher) storeIntent(ctx context.Context, j *job) (changed bool, err error) {
	m := *j.Message
	m.Attempts = slices.Clone(m.Attempts)
	refs := j.merged
	if m.Claims > 1 { // the intent may store the name of an attempt in doubt
		refs = m.openRefs()
	}
	d.intended(&m, j.step, j.holder, j.lease, d.now())
	u, err := d.updates.Do(context.WithoutCancel(ctx), updateRequest{message: &m, lookupRefs: refs})
	if err != nil || u.stale {
		return u.stale, err
	}
	*j.Message, j.intent, j.merged = m, true, nil
	d.applyParked(ctx, u.parked, &m)
	return len(refs) > 0, nil
}

// releaseLease ends the job's lease without a send: the message is due at again. With
// mayWait it tries until the store answers, the lease ends or ctx ends, so that the next
// claim does not find a doubt where there is none.
func (d *Dispatcher) releaseLease(ctx context.Context, j job, again time.Time, mayWait bool) {
	for try := 1; ; try++ {
		m := *j.Message
		m.Attempts = slices.Clone(m.Attempts)
		d.released(&m, j.step, j.stepDue, microtime.Time(microtime.Ceil(again)), d.now())
		if j.held {
			m.hold()
		}
		u, err := d.updates.Do(context.WithoutCancel(ctx), updateRequest{message: &m, lookupRefs: j.merged})
		if err == nil && !u.stale {
			d.applyParked(ctx, u.parked, &m)
			return
		}
		if err == nil {
			var held bool
			if held, _, err = d.rereadMessage(ctx, &j); err == nil && !held {
				return
			}
		}
		if err != nil && (!mayWait || ctx.Err() != nil || !d.now().Before(j.lease)) {
			return // the message falls due again when the lease ends
		}
		if err != nil {
			d.sleepFor(ctx, storeRetry.backoff(try))
		}
	}
}
