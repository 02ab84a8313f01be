package smsplus

import (
	"context"
	"log/slog"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
)

// storeRetry paces the claim loop, and a worker with an outcome to store, while the
// store is down.
var storeRetry = Retry{Base: 50 * time.Millisecond, Max: 5 * time.Second}

const (
	// unservedAfter is how long a message waits for a dispatcher that serves its lane
	// before one that does not looks whether its time is over.
	unservedAfter = time.Minute
	// maxSetAside is the longest time that a message which cannot be read is set aside.
	maxSetAside = time.Hour
)

// newHolder returns the identity of one call that takes leases.
func newHolder() int64 { return rand.Int64N(math.MaxInt64) + 1 }

// jitterIdle returns how long a loop that claims waits while nothing is due: Poll, and a tenth more
// or less, so that many dispatchers spread out.
func (d *Dispatcher) jitterIdle() time.Duration {
	return d.cfg.Poll - d.cfg.Poll/10 + rand.N(d.cfg.Poll/5+1)
}

// claimLoop takes due messages to their lanes until ctx ends.
func (d *Dispatcher) claimLoop(ctx context.Context) {
	failures := 0
	full := 0 // claims in a row that brought as many messages as they may
	for ctx.Err() == nil {
		if d.pauses.Load() == nil && d.loadPauses(ctx) != nil {
			failures++
			d.sleepFor(ctx, storeRetry.backoff(failures))
			continue
		}
		idle := d.jitterIdle()
		for _, slow := range []bool{false, true} {
			limit, only := d.claimScope(slow, full > 0)
			if limit == 0 {
				continue
			}
			c, holder, err := d.claimMessages(ctx, limit, only)
			more := false
			if err == nil {
				d.dispatchClaimed(ctx, c, holder)
				more = len(c.Messages)+len(c.Unreadable) == limit
				if !slow {
					if full++; !more {
						full = 0
					}
					c.Next = earliest(c.Next, d.nextOfClasses(c.Passed))
					var passed bool
					passed, err = d.claimPassed(ctx, c.Passed, full%(maxTurnsMissed+1) == 0, nil)
					more = more || passed
				}
			}
			if err != nil {
				failures++
				idle = storeRetry.backoff(failures)
				break
			}
			failures = 0
			if more {
				idle = 0
			} else if !c.Next.IsZero() {
				// Another dispatcher may hold the message that seems due: never spin on it.
				idle = min(idle, max(time.Millisecond, c.Next.Sub(d.now())))
			}
		}
		d.sweepParked(ctx)
		if idle == 0 {
			continue
		}
		select {
		case <-ctx.Done():
		case <-d.claimWake:
		case <-d.cfg.Clock.After(idle):
		}
	}
}

// claimScope returns how many messages a claim may bring and from which lanes: each of
// them has room for as many. Lanes with a low rate limit have little room. They have
// claims of their own, because otherwise every claim would be as small as theirs. So do the
// lanes of bulk, and of urgent messages while there is a backlog: a claim brings the earliest
// messages, which would be those of the backlog. See claimClass.
func (d *Dispatcher) claimScope(slow, backlog bool) (limit int, only []channel.Name) {
	known := d.pauses.Load()
	for name, l := range d.lanes {
		if known.hasChannel(l.name) || l.class == Bulk || l.class == Urgent && (slow || backlog) {
			continue
		}
		size := l.maxClaim()
		isSlow := size < d.cfg.Batch
		if isSlow != slow || !l.promiseClaim() {
			continue
		}
		only = append(only, name)
		if limit == 0 || size < limit {
			limit = size
		}
	}
	if !slow { // messages that only end need no lane
		only = append(only, "")
		if limit == 0 {
			limit = d.cfg.Batch
		}
	}
	return limit, only
}

// claimMessages leases due messages of the given lanes, and sets those aside that cannot be read.
func (d *Dispatcher) claimMessages(ctx context.Context, limit int, only []channel.Name) (Claimed, int64, error) {
	now := d.now()
	return d.claimDueBy(ctx, now, now, limit, only)
}

// claimDueBy is like claimMessages, for messages that had fallen due before now.
func (d *Dispatcher) claimDueBy(ctx context.Context, due, now time.Time, limit int, only []channel.Name) (c Claimed, holder int64, err error) {
	if err := ctx.Err(); err != nil {
		return c, 0, err
	}
	holder = newHolder()
	arg := Claim{
		Now: due, Lease: d.cfg.Lease + now.Sub(due), Limit: limit, Holder: holder,
		Only: only, SkipTemplates: d.unknownTemplates.list(now),
	}
	if c, err = d.claimRows(ctx, arg); err != nil {
		return c, 0, err
	}
	if len(c.Messages) > 0 {
		d.reportEvent(ctx, Lag{len(c.Messages), now.Sub(c.Due[0])})
	}
	d.setAside(ctx, c.Unreadable, now)
	return c, holder, nil
}

// claimRows makes a claim. One that is cut off could lease messages that no dispatcher knows of,
// so the end of ctx does not cut it.
func (d *Dispatcher) claimRows(ctx context.Context, arg Claim) (c Claimed, err error) {
	err = d.callStore(context.WithoutCancel(ctx), "Claim", func(ctx context.Context) error {
		c, err = d.cfg.Store.Claim(ctx, arg)
		return err
	})
	return c, err
}

// setAside gives back messages that cannot be read, so that other dispatchers, or a later
// release, may read them. The more often this dispatcher met one, the longer it is set
// aside.
func (d *Dispatcher) setAside(ctx context.Context, rows []Unreadable, now time.Time) {
	byTime := make(map[time.Duration][]Unreadable)
	for _, u := range rows {
		n := d.unreadable.count(u.ID)
		wait := maxSetAside
		if shift := min(n-1, 16); d.cfg.Lease < maxSetAside>>shift {
			wait = d.cfg.Lease << shift
		}
		byTime[wait] = append(byTime[wait], u)
		d.reportEvent(ctx, MessageUnreadable{u.ID, u.Err})
		d.logFailure(ctx, "smsplus: message cannot be read and is set aside",
			slog.Duration("for", wait), slog.String("message", u.ID.String()), slog.Any("error", u.Err))
	}
	for wait, rows := range byTime {
		_ = d.callStore(context.WithoutCancel(ctx), "SetAside", func(ctx context.Context) error {
			return d.cfg.Store.SetAside(ctx, rows, now.Add(wait))
		})
	}
}

// unreadable counts how often this dispatcher met a message that it cannot read.
type unreadable struct {
	mu    sync.Mutex
	times map[uuid.UUID]int
}

// maxUnreadable bounds the messages that are remembered.
const maxUnreadable = 10_000

// count notes one more failed read of a message, and returns their number.
func (u *unreadable) count(id uuid.UUID) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.times == nil || len(u.times) >= maxUnreadable {
		u.times = make(map[uuid.UUID]int)
	}
	u.times[id]++
	return u.times[id]
}

// claimPassed looks at the lanes that a claim did not take from. It claims urgent messages, and
// bulk if it is asked to. Messages of templates that are not paused any more are moved to the
// lanes of their channels. It reports whether there may be more of all these. In Tick, advanced
// is not nil, and it adds the messages that it advanced. Messages that are paused stay.
func (d *Dispatcher) claimPassed(ctx context.Context, passed []PassedLane, bulk bool, advanced map[uuid.UUID]bool) (more bool, err error) {
	known := d.pauses.Load()
	var overdue []PassedLane
	var ofClass [numClasses][]*lane
	for _, p := range passed {
		if p.Lane == OutcomeLane { // see outcomeLoop
			continue
		}
		template, isTemplate := TemplateOfLane(p.Lane)
		name, class := ChannelOfLane(p.Lane)
		isDue := !p.DueAt.After(d.now())
		switch {
		case isTemplate && !known.hasTemplate(template) && isDue:
			n, err := d.resumeLane(ctx, p.Lane, advanced != nil)
			if err != nil {
				return more, err
			}
			more = more || n > 0
		case isTemplate || known.hasChannel(name):
		case d.lanes[p.Lane] != nil && class != Normal && isDue && (advanced != nil || d.lanes[p.Lane].promiseClaim()):
			ofClass[class] = append(ofClass[class], d.lanes[p.Lane])
		default:
			overdue = append(overdue, p)
		}
	}
	if !bulk {
		ofClass[Bulk] = nil
	}
	for _, l := range slices.Concat(ofClass[Urgent], ofClass[Bulk]) {
		some, err := d.claimClass(ctx, l, advanced)
		if err != nil {
			return more, err
		}
		more = more || some
	}
	return more, d.claimOverdue(ctx, overdue, advanced)
}

// claimClass claims messages of the lane of urgent messages, or of bulk. It reports whether
// there may be more. For advanced see claimPassed.
func (d *Dispatcher) claimClass(ctx context.Context, l *lane, advanced map[uuid.UUID]bool) (more bool, err error) {
	size := l.maxClaim()
	c, holder, err := d.claimMessages(ctx, size, []channel.Name{l.laneName})
	if err != nil {
		return false, err
	}
	n := len(c.Messages) + len(c.Unreadable)
	if advanced != nil {
		return n > 0, d.runClaimed(ctx, c, holder, advanced)
	}
	d.dispatchClaimed(ctx, c, holder)
	return n == size, nil
}

// nextOfClasses returns when the next urgent message, or bulk, of the passed lanes falls due,
// or the zero time. Messages that are due now are claimed by claimPassed, or have no room.
func (d *Dispatcher) nextOfClasses(passed []PassedLane) (next time.Time) {
	for _, p := range passed {
		if l := d.lanes[p.Lane]; l != nil && l.class != Normal && p.DueAt.After(d.now()) {
			next = earliest(next, p.DueAt)
		}
	}
	return next
}

// claimOverdue claims messages that a stuck or unserved lane has kept past the wait of their
// step, so that they go to the next step. Passed are the lanes that the last claim did not
// take from. Messages that are not late are put back. For advanced see claimPassed.
func (d *Dispatcher) claimOverdue(ctx context.Context, passed []PassedLane, advanced map[uuid.UUID]bool) error {
	now := d.now()
	for _, p := range passed {
		wait := unservedAfter
		if l := d.lanes[p.Lane]; l != nil {
			if wait = time.Duration(l.shortestWait.Load()); wait == 0 || !l.isStuck(now, wait) {
				continue
			}
		} else {
			name, _ := ChannelOfLane(p.Lane)
			d.reportEvent(ctx, Unserved{Channel: name, Behind: now.Sub(p.DueAt)})
		}
		if now.Sub(p.DueAt) < wait {
			continue
		}
		c, holder, err := d.claimDueBy(ctx, now.Add(-wait), now, d.cfg.Batch, []channel.Name{p.Lane})
		if err != nil {
			return err
		}
		if advanced == nil {
			d.dispatchClaimed(ctx, c, holder)
		} else if err := d.runClaimed(ctx, c, holder, advanced); err != nil {
			return err
		}
	}
	return nil
}

// dispatchClaimed takes claimed messages to their lanes, and stores messages for which nothing
// more is sent.
func (d *Dispatcher) dispatchClaimed(ctx context.Context, c Claimed, holder int64) {
	js, err := d.planJobs(ctx, c, holder, true)
	if err == nil {
		d.dispatchJobs(ctx, js)
		return
	}
	var updates sync.WaitGroup // they share a commit
	for _, j := range js {
		updates.Go(func() { d.putBack(ctx, j) })
	}
	updates.Wait()
}

// dispatchJobs takes jobs to the asker or the lane that they need next, and stores messages for
// which nothing more is sent. A job that finds no room is put back.
func (d *Dispatcher) dispatchJobs(ctx context.Context, js []job) {
	var updates sync.WaitGroup // they share a commit
	for _, j := range js {
		switch {
		case len(j.questions) > 0:
			if !d.askers[j.questions[0].Channel].inbox.addJob(j) {
				updates.Go(func() { d.putBack(ctx, j) })
			}
		case j.recall != channel.Ref{}:
			if !d.recallers[j.recall.Channel].inbox.addJob(j) {
				updates.Go(func() { d.putBack(ctx, j) })
			}
		case d.pauses.Load().holdsBack(&j):
			updates.Go(func() { d.putBackPaused(ctx, j, false) })
		case j.isUnserved():
			updates.Go(func() { d.putBackUnserved(ctx, j, false) })
		case j.step < 0:
			updates.Go(func() { _, _ = d.runJob(ctx, j, false) }) // the error is reported; the lease's end repeats it
		default:
			if l := d.outlets[j.channelName()].laneOf(j.Class); l.reserveClaimed() {
				l.enqueue(j)
			} else {
				updates.Go(func() { d.putBack(ctx, j) })
			}
		}
	}
	updates.Wait()
}

// putBack releases the lease of a message that cannot continue here now. It is due again after a
// poll.
func (d *Dispatcher) putBack(ctx context.Context, j job) {
	d.releaseLease(ctx, j, d.now().Add(d.cfg.Poll), false)
}

// putBackUnserved releases the lease of a message that this dispatcher cannot send, so that
// another dispatcher can claim it.
func (d *Dispatcher) putBackUnserved(ctx context.Context, j job, mayWait bool) {
	d.reportEvent(ctx, Unserved{Channel: j.channelName(), Template: j.Template, Behind: d.now().Sub(j.due)})
	again := d.now().Add(d.cfg.Poll)
	if d.template(j.Template) == nil && d.unknownTemplates.add(j.Template, d.now()) {
		again = j.due // the next claims here skip it
	}
	d.releaseLease(ctx, j, again, mayWait)
}

// unknownTemplates are the templates of messages that this dispatcher met and cannot
// send. Its claims skip them for unservedAfter. Then it looks at their first messages again,
// because some may only have to end.
type unknownTemplates struct {
	mu  sync.Mutex
	met map[string]time.Time
}

// maxUnknownTemplates bounds what a claim has to name.
const maxUnknownTemplates = 100

// add notes a template and reports whether claims skip it.
func (u *unknownTemplates) add(id string, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, ok := u.met[id]; ok {
		return true
	}
	if len(u.met) == maxUnknownTemplates {
		return false
	}
	if u.met == nil {
		u.met = make(map[string]time.Time)
	}
	u.met[id] = now
	return true
}

// forget makes claims skip none.
func (u *unknownTemplates) forget() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.met = nil
}

// list returns the templates to skip.
func (u *unknownTemplates) list(now time.Time) []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	maps.DeleteFunc(u.met, func(_ string, met time.Time) bool { return now.Sub(met) >= unservedAfter })
	return slices.Sorted(maps.Keys(u.met))
}

// Tick does all work that is due, in the caller's goroutine, and returns how many
// messages it advanced. It publishes outcomes too. With a mock clock it makes a deterministic test of a
// fallback: move the clock, then Tick. Of the messages that it claims together, urgent ones
// go first. Bulk goes last. It returns the store's first error. An outcome of a send that a
// failing store did not take is stored by the next Tick.
func (d *Dispatcher) Tick(ctx context.Context) (int, error) {
	advanced := make(map[uuid.UUID]bool)
	err := d.storeKept(ctx, advanced)
	if tickErr := d.advanceDue(ctx, advanced); err == nil {
		err = tickErr
	}
	return len(advanced), err
}

// advanceDue does the work of a Tick that is due, and adds the messages that it advanced.
func (d *Dispatcher) advanceDue(ctx context.Context, advanced map[uuid.UUID]bool) error {
	if err := d.loadPauses(ctx); err != nil {
		return err
	}
	only := []channel.Name{""}
	for name, l := range d.lanes {
		if !d.pauses.Load().hasChannel(l.name) && l.class != Bulk {
			only = append(only, name)
		}
	}
	for {
		c, holder, err := d.claimMessages(ctx, d.cfg.Batch, only)
		if err != nil {
			return err
		}
		if len(c.Messages)+len(c.Unreadable) == 0 {
			more, err := d.claimPassed(ctx, c.Passed, true, advanced)
			if err == nil && !more {
				more, err = d.publishDue(ctx, advanced)
			}
			if err == nil && more {
				continue
			}
			if err == nil {
				err = d.endExpired(ctx, true)
			}
			d.sweepParked(ctx)
			d.watchReceipts(ctx)
			return err
		}
		if err := d.runClaimed(ctx, c, holder, advanced); err != nil {
			return err
		}
	}
}

// runClaimed does what is due for claimed messages in the caller's goroutine, and adds the ones
// that it advanced. After an error it releases the rest.
func (d *Dispatcher) runClaimed(ctx context.Context, c Claimed, holder int64, advanced map[uuid.UUID]bool) error {
	js, err := d.planJobs(ctx, c, holder, true)
	if err == nil {
		js = d.askProviders(ctx, js)
	}
	slices.SortStableFunc(js, func(a, b job) int {
		return slices.Index(byUrgency[:], a.Class) - slices.Index(byUrgency[:], b.Class)
	})
	for _, j := range js {
		if err != nil {
			d.releaseLease(ctx, j, d.now(), false)
			continue
		}
		var continues bool
		if j, continues = d.recallForTick(ctx, j); !continues {
			advanced[j.ID] = true
			continue
		}
		var did bool
		if did, err = d.runJob(ctx, j, false); did && err == nil {
			advanced[j.ID] = true
		}
	}
	return err
}
