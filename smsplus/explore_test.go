package smsplus

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"hash/maphash"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/status"
)

var exploreStates = flag.Int("explore", 6_000, "how many states of each configuration the explorer visits at most")

// The explorer runs the Dispatcher's own code for one message: two dispatchers, callers of
// Receive, and of Cancel or Confirm, a clock. Each call to the store or to a channel is a point
// where any other actor may run, and where a fault may strike. It visits every schedule up to a
// number of faults and a number of states, and holds each against the promises:
//
//	P1  an acknowledged message ends once faults stop
//	P2  no step is sent after a committed delivery, an acknowledged Cancel or Confirm, or the TTL
//	P3  a step to be sent at most once is never called again after it may have been taken
//	P4  no step is given up as in_doubt without a crash, a stall or a call without an answer
//	P5  tries count calls
//	P6  nothing is sent after a step that failed with OnFailed Stop
//	P7  an accepted step is not left before its wait ends
//	P8  the record is the join of all acknowledged receipts
//	P9  without faults each step is sent once
//	P10 nothing is sent during a pause that the dispatchers know of
//	P11 a confirmed message is delivered, and stays confirmed
//	P12 an ended message is due until its outcomes are published, in their order
//	P13 nothing is taken back without a living successor in the row
//	P14 what is needless is taken back, or its provider has said why not

// scenario is a configuration to explore.
type scenario struct {
	name       string
	steps      int
	faults     int
	onFailed   Policy
	inDoubt    Policy
	idempotent bool
	uniform    bool
	quotes     bool // the provider quotes the attempt's ID in its receipts
	cancel     bool
	confirm    bool
	publishes  bool // Config.Outcomes is set
	ttl        bool
	receipts   []status.Status
	answers    []string // what a call may come to
	unclaimed  bool     // Insert does not claim
	pause      Pause    // is set once, at any moment, and cleared later
	recalls    bool     // the providers take messages back
}

// choice is one decision of the explorer: an actor's next step and how it comes out.
type choice struct {
	actor int
	how   string
}

func (c choice) String() string { return fmt.Sprintf("%s:%s", actorNames[c.actor], c.how) }

const (
	actorD1 = iota
	actorD2
	actorReceive
	actorCancel
	actorClock
	actors
)

var actorNames = [actors]string{"D1", "D2", "receive", "cancel", "clock"}

// op is a call of an actor that waits for the explorer's decision.
type op struct {
	name string
	step int // of a send, or of a recall
}

// coroutine is an actor that is running one of its tasks.
type coroutine struct {
	ops    chan op       // it wants to make a call
	grants chan string   // the outcome of the call
	done   chan struct{} // closed when the task has ended, whatever its error
	dead   bool
	now    op       // the call that waits
	trace  []string // what it has seen since its task began: its whole state
}

// call asks the explorer for the outcome of a call. A crash ends the goroutine.
func (c *coroutine) call(o op) string {
	if c.dead {
		runtime.Goexit()
	}
	c.ops <- o
	how := <-c.grants
	if how == "crash" {
		c.dead = true
		runtime.Goexit()
	}
	return how
}

// universe is one run of a schedule.
type universe struct {
	s     scenario
	t     testing.TB
	start time.Time
	now   time.Time
	id    uuid.UUID

	row    Message
	parked map[channel.Ref][]channel.Receipt

	dispatchers [actorClock]*Dispatcher
	running     [actorClock]*coroutine
	holders     map[int64]int // which actor's call made a holder

	faults                  int
	crashed, unanswered     bool
	acked                   map[int]status.Status // highest receipt that was acknowledged, by step
	receipts                int
	cancelAcked, cancelUsed bool   // of Cancel or Confirm
	calls, maybe            [3]int // calls of a step, and those of them that the provider may have taken
	taken                   [3]bool
	recalled, arrived       [3]bool     // copies of a step that were taken back, or reached the person
	seen                    [2]*Message // the row at each dispatcher's last look at it
	heard                   []string    // what was published, in order
	pauses                  int         // how often the pause was set and cleared: 0 to 2
	parkedDelivery          [2]bool     // a delivery was parked for a known name when it claimed
	violation               string
}

const exploreWait = 10 * time.Minute

func newUniverse(t testing.TB, s scenario) *universe {
	u := &universe{
		s: s, t: t, start: time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC), parked: map[channel.Ref][]channel.Receipt{},
		holders: map[int64]int{}, acked: map[int]status.Status{},
	}
	u.now = u.start
	for i := range u.dispatchers {
		u.dispatchers[i] = u.newDispatcher(i)
	}
	n, err := phone.Parse("+886912345678")
	require.NoError(t, err)
	m, err := u.dispatchers[0].Prepare(Trigger{Template: "t", To: channel.Recipient{Phone: n}})
	require.NoError(t, err)
	if !s.unclaimed {
		m.DueAt, m.Claims, m.Holder = u.now.Add(time.Minute), 1, 1
		u.holders[1] = 0
	}
	u.id, u.row = m.ID, m
	if !s.unclaimed {
		u.run(actorD1, func(*coroutine) error {
			d, row := u.dispatchers[actorD1], u.copyRow()
			_, err := d.runJob(context.Background(), d.firstJob(&row), true)
			return err
		})
	}
	return u
}

// Now and After make the universe a Clock: pauses take no time.
func (u *universe) Now() time.Time { return u.now }

func (u *universe) After(time.Duration) <-chan time.Time {
	c := make(chan time.Time, 1)
	c <- u.now
	return c
}

var stepNames = []channel.Name{"a", "b", "c"}

func (u *universe) newDispatcher(actor int) *Dispatcher {
	c := Config{
		Store: exploredStore{u: u, actor: actor}, Clock: u, Batch: 1, Retry: Retry{Tries: 3, InDoubt: 1, Base: time.Millisecond, Max: time.Millisecond},
		NewID: func() uuid.UUID { return uuid.UUID{1} },
	}
	tpl := Template{ID: "t"}
	if u.s.ttl {
		tpl.TTL = 30 * time.Second
	}
	for i := range u.s.steps {
		ch := exploredChannel{u, actor, i}
		if c.Channels = append(c.Channels, ch); u.s.recalls {
			c.Channels[i] = exploredRecaller{ch}
		}
		tpl.Route = append(tpl.Route, Step{
			Channel: stepNames[i], Content: channel.Text("x"), Wait: exploreWait, OnFailed: u.s.onFailed, InDoubt: u.s.inDoubt,
		})
	}
	c.Templates = []Template{tpl}
	if u.s.publishes {
		c.Outcomes = exploredOutcomes{u, actor}
	}
	d, err := New(c)
	require.NoError(u.t, err)
	d.sweep.nextAt = u.start.Add(time.Hour * 24 * 365) // the explorer sweeps on its own
	d.pauses.Store(u.pauseSet())
	return d
}

func (u *universe) isPaused() bool { return u.pauses == 1 }

func (u *universe) pauseSet() *pauseSet {
	if u.isPaused() {
		return newPauseSet([]Pause{u.s.pause})
	}
	return newPauseSet(nil)
}

// changePause sets or clears the pause. Every dispatcher reads it at once.
func (u *universe) changePause() {
	u.pauses++
	for _, d := range u.dispatchers {
		d.pauses.Store(u.pauseSet())
	}
}

// exploredChannel is a provider whose answers the explorer chooses.
type exploredChannel struct {
	u     *universe
	actor int
	step  int
}

func (c exploredChannel) Name() channel.Name { return stepNames[c.step] }

func (c exploredChannel) Traits() channel.Traits {
	return channel.Traits{Idempotent: c.u.s.idempotent, UniformWait: c.u.s.uniform}
}

func (c exploredChannel) Send(context.Context, channel.Envelope) (channel.Result, error) {
	co := c.u.running[c.actor]
	switch how := co.call(op{"send", c.step}); how {
	case "temporary":
		return channel.Result{}, channel.Temporary(errors.New("busy"), 0)
	case "lost, taken", "lost, not taken":
		return channel.Result{}, channel.InDoubt(errors.New("no answer"))
	default:
		st, err := status.Parse(how)
		if err != nil {
			panic(err)
		}
		return channel.Result{Status: st, ProviderID: c.u.providerID(c.step)}, nil
	}
}

// exploredOutcomes is an application that takes an outcome, fails before ("fails"), or after
// ("lost").
type exploredOutcomes struct {
	u     *universe
	actor int
}

func (o exploredOutcomes) Publish(_ context.Context, out Outcome) error {
	u, text := o.u, fmt.Sprint(out.Kind)
	if out.Kind == OutcomeEnded {
		text = fmt.Sprint(out.Kind, out.Message.Status)
	}
	how := u.running[o.actor].call(op{name: "publish"})
	if how != "fails" && !slices.Contains(u.heard, text) {
		u.heard = append(u.heard, text)
	}
	u.running[o.actor].trace = append(u.running[o.actor].trace, "publish "+text+how)
	if how != "ok" {
		return &RetryError{After: time.Second, Err: errExplored}
	}
	return nil
}

// checkHeard holds a row that is not due any more against what was heard.
func (u *universe) checkHeard() {
	m := &u.row
	if !u.s.publishes || !m.DueAt.IsZero() {
		return
	}
	heard := func(text string) bool { return slices.Contains(u.heard, text) }
	ended := heard(fmt.Sprint(OutcomeEnded, m.Status)) || m.delivered() && heard(OutcomeDelivered.String())
	if !ended || !m.ConfirmedAt.IsZero() && !heard(OutcomeConfirmed.String()) {
		u.violate("P12: the message is closed as %v, and %v was heard", m.Status, u.heard)
	}
	if i := slices.Index(u.heard, OutcomeConfirmed.String()); i == 0 {
		u.violate("P12: the order is %v", u.heard)
	}
}

// exploredRecaller is a provider that takes messages back.
type exploredRecaller struct{ exploredChannel }

func (c exploredRecaller) Recall(context.Context, channel.Ref) (channel.Recall, error) {
	switch how := c.u.running[c.actor].call(op{"recall", c.step}); how {
	case "recalled":
		return channel.Recalled, nil
	case "too late":
		return channel.TooLate, nil
	default:
		return 0, errExplored
	}
}

func (u *universe) providerID(step int) string {
	if u.s.quotes {
		return AttemptID(u.id, step).String()
	}
	return "p" + string(stepNames[step])
}

// exploredStore is a model of a store that holds one message. Each call waits for the
// explorer: "ok", "fails" (without effect), or "lost" (with effect, without answer).
type exploredStore struct {
	u     *universe
	actor int
	Operations
}

var errExplored = errors.New("the store's answer is lost")

// do makes a call. An effect that changes nothing cannot be lost on its own.
func (s exploredStore) do(name string, effect func()) error {
	co := s.u.running[s.actor]
	how := co.call(op{name: name})
	if how == "fails" {
		co.trace = append(co.trace, name+" fails")
		return errExplored
	}
	effect()
	if how == "lost" {
		co.trace = append(co.trace, name+" lost")
		return errExplored
	}
	if s.actor < 2 && (name == "claim" || name == "read" || name == "update") {
		row := s.u.row
		row.Attempts = slices.Clone(row.Attempts)
		s.u.seen[s.actor] = &row
	}
	co.trace = append(co.trace, name+" "+s.u.rowState(&s.u.row)+s.u.parkedState())
	return nil
}

func (exploredStore) Insert(context.Context, []Message) (map[string]Message, error) {
	panic("not used")
}

func (s exploredStore) Claim(_ context.Context, c Claim) (out Claimed, err error) {
	u := s.u
	err = s.do("claim", func() {
		if !u.row.DueAt.IsZero() && !slices.Contains(c.Only, u.row.Lane) {
			out.Passed = []PassedLane{{u.row.Lane, u.row.DueAt}}
			return
		}
		if u.row.DueAt.IsZero() || u.row.DueAt.After(c.Now) {
			return
		}
		out.Due = []time.Time{u.row.DueAt}
		u.row.DueAt, u.row.Holder = c.Now.Add(c.Lease), c.Holder
		u.row.Version++
		u.row.Claims++
		u.holders[c.Holder] = s.actor
		u.parkedDelivery[s.actor] = u.hasParkedDelivery()
		out.Messages = []Message{u.copyRow()}
	})
	if err != nil {
		return Claimed{}, err
	}
	return out, nil
}

func (s exploredStore) Update(_ context.Context, ms []Message) (stale []uuid.UUID, err error) {
	u := s.u
	err = s.do("update", func() {
		for _, m := range ms {
			if m.Version != u.row.Version {
				stale = append(stale, m.ID)
				continue
			}
			u.row = m
			u.row.Attempts = slices.Clone(m.Attempts)
			u.row.Version++
			u.checkRow()
		}
	})
	if err != nil {
		return nil, err
	}
	return stale, nil
}

func (s exploredStore) Message(context.Context, uuid.UUID) (m Message, err error) {
	err = s.do("read", func() { m = s.u.copyRow() })
	return m, err
}

func (s exploredStore) ByProviderID(_ context.Context, refs []channel.Ref) (ms []Message, err error) {
	err = s.do("find", func() {
		for _, a := range s.u.row.Attempts {
			if slices.Contains(refs, a.ref()) {
				ms = []Message{s.u.copyRow()}
			}
		}
	})
	return ms, err
}

func (s exploredStore) Park(_ context.Context, rs []channel.Receipt) error {
	return s.do("park", func() {
		for _, r := range rs {
			if !slices.Contains(s.u.parked[r.Ref()], r) {
				s.u.parked[r.Ref()] = append(s.u.parked[r.Ref()], r)
			}
		}
	})
}

func (s exploredStore) Parked(_ context.Context, refs []channel.Ref) (rs []channel.Receipt, err error) {
	err = s.do("look", func() {
		for _, ref := range refs {
			rs = append(rs, s.u.parked[ref]...)
		}
	})
	return rs, err
}

func (s exploredStore) ListParked(_ context.Context, _ string, _ int) (rs []channel.Receipt, next string, err error) {
	err = s.do("list", func() {
		for i := range stepNames {
			rs = append(rs, s.u.parked[channel.Ref{Channel: stepNames[i], ProviderID: s.u.providerID(i)}]...)
		}
	})
	return rs, "", err
}

func (s exploredStore) Unpark(_ context.Context, refs []channel.Ref) error {
	return s.do("unpark", func() {
		for _, ref := range refs {
			delete(s.u.parked, ref)
		}
	})
}

func (exploredStore) SetAside(context.Context, []Unreadable, time.Time) error { panic("not used") }
func (exploredStore) Records(context.Context, Filter) (Page, error)           { panic("not used") }
func (exploredStore) Stats(context.Context, Filter) ([]TemplateStats, error)  { panic("not used") }
func (exploredStore) StatsBy(context.Context, Filter, Grouping) ([]GroupStats, error) {
	panic("not used")
}
func (exploredStore) Purge(context.Context, time.Time, int) (int, error) { panic("not used") }
func (exploredStore) Close() error                                       { return nil }
func (u *universe) copyRow() Message {
	m := u.row
	m.Attempts = slices.Clone(m.Attempts)
	return m
}

// dispatchOnce is what a Run does of one claim: it claims, decides, and runs the job.
func (d *Dispatcher) dispatchOnce(ctx context.Context) error {
	only := slices.DeleteFunc([]channel.Name{"", "a", "b", "c"}, d.pauses.Load().hasChannel)
	c, holder, err := d.claimMessages(ctx, 1, only)
	if err == nil && len(c.Messages) == 0 {
		if _, err = d.claimPassed(ctx, c.Passed, true, map[uuid.UUID]bool{}); err == nil {
			_, err = d.publishDue(ctx, map[uuid.UUID]bool{})
		}
	}
	if err != nil || len(c.Messages) == 0 {
		return err
	}
	js, err := d.planJobs(ctx, c, holder, true)
	for _, j := range js {
		if err != nil {
			d.releaseLease(ctx, j, d.now().Add(d.cfg.Poll), true)
			continue
		}
		if r := d.recallers[j.recall.Channel]; r != nil {
			var ok bool
			if j, ok = d.recallAttempt(ctx, r, j, true); !ok {
				continue
			}
		}
		_, err = d.runJob(ctx, j, true)
	}
	return err
}

// choices returns what may happen next. System choices must happen some time; the
// others, faults and what people do, need not.
func (u *universe) choices() (out []choice) {
	fault := u.faults < u.s.faults
	for a := range actorClock {
		co := u.running[a]
		if co == nil {
			if u.canStart(a) {
				out = append(out, choice{a, "starts"})
			}
			continue
		}
		switch o := co.now; o.name {
		case "send":
			for _, how := range u.s.answers {
				if strings.HasPrefix(how, "lost") && !fault || u.mustHaveTaken(o.step) && how != "accepted" && how != "delivered" && how != "lost, taken" {
					continue
				}
				out = append(out, choice{a, how})
			}
		case "recall":
			out = append(out, choice{a, "too late"})
			if !u.arrived[o.step] {
				out = append(out, choice{a, "recalled"})
			}
			if fault {
				out = append(out, choice{a, "fails"})
				if !u.arrived[o.step] {
					out = append(out, choice{a, "lost, recalled"})
				}
			}
		default:
			out = append(out, choice{a, "ok"})
			if fault {
				out = append(out, choice{a, "fails"})
				if o.name == "claim" || o.name == "update" || o.name == "park" || o.name == "publish" {
					out = append(out, choice{a, "lost"})
				}
			}
		}
		if fault && a < 2 {
			out = append(out, choice{a, "crash"})
		}
	}
	if u.s.pause != (Pause{}) && u.pauses < 2 && !u.row.DueAt.IsZero() {
		out = append(out, choice{actorClock, "pauses or resumes"})
	}
	if at := u.nextTime(); !at.IsZero() && (fault || !u.stalls(at)) {
		out = append(out, choice{actorClock, "moves"})
	}
	return out
}

// canStart reports whether an idle actor has something to do.
func (u *universe) canStart(a int) bool {
	switch a {
	case actorD1, actorD2:
		_, isTemplate := TemplateOfLane(u.row.Lane)
		waits := u.isPaused() && (isTemplate || u.row.Lane == u.s.pause.Channel && u.row.Lane != "")
		return !u.row.DueAt.IsZero() && !u.row.DueAt.After(u.now) && !waits
	case actorReceive:
		return u.receipts < len(u.s.receipts) && u.receiptStep() >= 0
	case actorCancel:
		return (u.s.cancel || u.s.confirm) && !u.cancelUsed
	}
	return false
}

// receiptStep returns the newest step that a provider has taken, or is taking, or -1.
func (u *universe) receiptStep() int {
	for i := u.s.steps - 1; i >= 0; i-- {
		if u.taken[i] {
			return i
		}
		for _, co := range u.running[:2] {
			if co != nil && co.now == (op{"send", i}) {
				return i
			}
		}
	}
	return -1
}

// mustHaveTaken reports whether a provider has sent a receipt for a step, so that it cannot
// refuse the call now.
func (u *universe) mustHaveTaken(step int) bool {
	a := u.row.attempt(step)
	return u.taken[step] && (a == nil || a.ProviderID == "")
}

// nextTime returns the next time at which something changes, or zero.
func (u *universe) nextTime() time.Time {
	var next time.Time
	for _, at := range []time.Time{u.row.DueAt, u.row.ExpiresAt} {
		if at.After(u.now) {
			next = earliest(next, at)
		}
	}
	if u.row.DueAt.IsZero() {
		return time.Time{}
	}
	return next
}

// stalls reports whether moving the clock ends the lease of a dispatcher that is at work.
func (u *universe) stalls(at time.Time) bool {
	a, ok := u.holders[u.row.Holder]
	return u.row.Holder != 0 && ok && u.running[a] != nil && !u.row.DueAt.After(at)
}

// step carries out a choice.
func (u *universe) step(c choice) {
	if c.how == "pauses or resumes" {
		u.changePause()
		return
	}
	if c.actor == actorClock {
		at := u.nextTime()
		if u.stalls(at) {
			u.faults++
			u.crashed = true
		}
		u.now = at
		return
	}
	co := u.running[c.actor]
	if co == nil {
		u.begin(c.actor)
		return
	}
	o := co.now
	switch c.how {
	case "fails", "lost":
		u.faults++
	case "crash":
		u.faults++
		u.crashed = true
		u.dispatchers[c.actor] = u.newDispatcher(c.actor)
	}
	if o.name == "send" && c.how != "crash" {
		u.answer(o.step, c.how)
		co.trace = append(co.trace, c.how)
	}
	if o.name == "recall" && c.how != "crash" {
		co.trace = append(co.trace, c.how)
		if c.how == "lost, recalled" {
			u.faults++
		}
		if strings.HasSuffix(c.how, "recalled") {
			u.recalled[o.step], u.taken[o.step] = true, false
		}
	}
	co.grants <- c.how
	u.await(c.actor)
}

// begin starts an actor's next task.
func (u *universe) begin(actor int) {
	ctx := context.Background()
	var task func(c *coroutine) error
	switch actor {
	case actorD1, actorD2:
		d := u.dispatchers[actor]
		task = func(*coroutine) error { return d.dispatchOnce(ctx) }
	case actorReceive:
		step := u.receiptStep()
		r := channel.Receipt{Channel: stepNames[step], ProviderID: u.providerID(step), Status: u.s.receipts[u.receipts], At: u.start.Add(time.Second)}
		u.receipts++
		u.taken[step] = true
		u.arrived[step] = u.arrived[step] || r.Status == status.Delivered
		task = func(*coroutine) error {
			err := u.dispatchers[actorReceive].Receive(ctx, r)
			if err == nil {
				u.acked[step] = max(u.acked[step], r.Status)
			}
			return err
		}
	case actorCancel:
		u.cancelUsed = true
		task = func(*coroutine) error {
			stop := u.dispatchers[actorCancel].Cancel
			if u.s.confirm {
				stop = u.dispatchers[actorCancel].Confirm
			}
			err := stop(ctx, u.id)
			if err == nil {
				u.cancelAcked = true
			}
			return err
		}
	}
	u.run(actor, task)
}

// run starts an actor's task and waits until its first call.
func (u *universe) run(actor int, task func(c *coroutine) error) {
	c := &coroutine{ops: make(chan op), grants: make(chan string), done: make(chan struct{})}
	u.running[actor] = c
	go func() {
		defer close(c.done)
		_ = task(c) // a failure is one of the outcomes that are explored
	}()
	u.await(actor)
}

// await waits until an actor makes its next call, or ends.
func (u *universe) await(actor int) {
	co := u.running[actor]
	select {
	case o := <-co.ops:
		co.now = o
		if o.name == "send" {
			u.checkCall(actor, o.step)
		}
		if o.name == "recall" && !u.hasLivingSuccessor(o.step) {
			u.violate("P13: step %d is taken back", o.step)
		}
	case <-co.done:
		u.running[actor] = nil
		if actor < 2 {
			u.seen[actor], u.parkedDelivery[actor] = nil, false
		}
	}
}

// answer notes what a provider did.
func (u *universe) answer(step int, how string) {
	switch how {
	case "lost, taken":
		u.faults++
		u.unanswered = true
		u.taken[step] = true
	case "lost, not taken":
		u.faults++
		u.unanswered = true
	case "temporary":
		u.maybe[step]--
	case "accepted", "delivered":
		u.taken[step] = true
	}
}

func (u *universe) violate(format string, args ...any) {
	if u.violation == "" {
		u.violation = fmt.Sprintf(format, args...)
	}
}

// checkCall holds a call to a provider against the promises.
func (u *universe) checkCall(actor, step int) {
	if p := u.s.pause; u.isPaused() && (p.Template != "" || p.Channel == stepNames[step]) {
		u.violate("P10: step %d is sent during a pause", step)
	}
	if u.s.ttl && !u.now.Before(u.row.ExpiresAt) {
		u.violate("P2: step %d is sent after the TTL", step)
	}
	if u.parkedDelivery[actor] {
		u.violate("P2: step %d is sent although a delivery was parked when the message was claimed", step)
	}
	if seen := u.seen[actor]; seen != nil {
		if seen.delivered() || !seen.CanceledAt.IsZero() || !seen.ConfirmedAt.IsZero() {
			u.violate("P2: step %d is sent after a delivery, a Cancel or a Confirm that the dispatcher had seen", step)
		}
		for i := range seen.Attempts {
			a := &seen.Attempts[i]
			if a.Step >= step {
				continue
			}
			// A step that was begun before the failure was known, and is in doubt, may be sent again.
			if a.Status == status.Failed && u.s.onFailed == Stop && seen.attempt(step) == nil {
				u.violate("P6: step %d is sent after step %d failed", step, a.Step)
			}
			if a.Status == status.Accepted && u.now.Before(a.StartedAt.Add(exploreWait)) {
				u.violate("P7: step %d is sent within the wait of step %d", step, a.Step)
			}
		}
	}
	if u.s.inDoubt == Forward && !u.s.idempotent && u.maybe[step] > 0 {
		u.violate("P3: step %d is sent again", step)
	}
	if u.faults == 0 && u.maybe[step] > 0 {
		u.violate("P9: step %d is sent again without a fault", step)
	}
	u.calls[step]++
	u.maybe[step]++
}

// hasLivingSuccessor reports whether the stored row has an attempt that makes the one at a step
// needless.
func (u *universe) hasLivingSuccessor(step int) bool {
	if !u.row.ConfirmedAt.IsZero() {
		return len(u.row.Attempts) > 1
	}
	return slices.ContainsFunc(u.row.Attempts, func(a Attempt) bool {
		return a.Status == status.Delivered && a.Step != step || a.Status == status.Accepted && a.Step > step
	})
}

// hasParkedDelivery reports whether an acknowledged delivery is parked for a name that the
// row has.
func (u *universe) hasParkedDelivery() bool {
	for i := range u.row.Attempts {
		a := &u.row.Attempts[i]
		for _, r := range u.parked[a.ref()] {
			if r.Status == status.Delivered && u.acked[a.Step] == status.Delivered {
				return true
			}
		}
	}
	return false
}

// checkRow holds a stored row against the promises and the row's invariants.
func (u *universe) checkRow() {
	m := &u.row
	u.checkHeard()
	if (m.Claims == 0) != (m.Holder == 0) {
		u.violate("row: Claims %d, Holder %d", m.Claims, m.Holder)
	}
	for i := range m.Attempts {
		a := &m.Attempts[i]
		if a.Status == status.Undeliverable && a.Reason == status.InDoubt && !u.crashed && !u.unanswered {
			u.violate("P4: step %d is given up as in doubt", a.Step)
		}
		if a.Status == status.Failed && a.Reason == status.SystemError && u.calls[a.Step] == 0 && !u.crashed {
			u.violate("P5: step %d fails without a call", a.Step)
		}
		if a.Tries > u.calls[a.Step] {
			u.violate("P5: step %d counts %d tries of %d calls", a.Step, a.Tries, u.calls[a.Step])
		}
	}
}

// finish lets everything end without further faults and holds the end against the promises.
func (u *universe) finish() {
	u.s.faults = 0
	if u.isPaused() {
		u.changePause()
	}
	u.pauses = 2
	for range 400 {
		if u.violation != "" {
			return
		}
		cs := slices.DeleteFunc(u.choices(), func(c choice) bool {
			return c.how == "starts" && c.actor >= actorReceive || c.how == "temporary" || strings.HasPrefix(c.how, "lost")
		})
		if len(cs) == 0 {
			break
		}
		u.step(cs[0])
	}
	if !u.row.DueAt.IsZero() {
		u.violate("P1: the message does not end")
		return
	}
	if u.s.confirm && u.cancelAcked && (u.row.ConfirmedAt.IsZero() || !u.row.delivered()) {
		u.violate("P11: the message is confirmed, and it is %v", u.row.Status)
	}
	for i := range u.row.Attempts {
		a := &u.row.Attempts[i]
		if u.s.recalls && a.Status == status.Accepted && a.Recall == 0 && u.hasLivingSuccessor(a.Step) {
			u.violate("P14: step %d is not taken back", a.Step)
		}
	}
	u.run(actorReceive, func(*coroutine) error {
		d := u.dispatchers[actorReceive]
		d.sweep.nextAt = time.Time{}
		d.sweepParked(context.Background())
		return nil
	})
	for c := u.running[actorReceive]; u.running[actorReceive] != nil; u.await(actorReceive) {
		c.grants <- "ok"
	}
	for step, st := range u.acked {
		a := u.row.attempt(step)
		known := a != nil && a.ProviderID == u.providerID(step)
		if (known || u.s.quotes) && (a == nil || a.Status < st) {
			u.violate("P8: step %d does not have its acknowledged receipt %v", step, st)
		}
	}
}

// stop ends the goroutines of a run.
func (u *universe) stop() {
	for a, co := range u.running {
		if co != nil {
			co.grants <- "crash"
			for done := false; !done; {
				select {
				case <-co.done:
					done = true
				case <-co.ops:
					co.grants <- "crash"
				}
			}
			u.running[a] = nil
		}
	}
}

func (u *universe) rowState(m *Message) string {
	var b strings.Builder
	holder := "-"
	if a, ok := u.holders[m.Holder]; ok && m.Holder != 0 {
		holder = fmt.Sprint(a)
	}
	fmt.Fprintf(&b, "%v/%d/%d/%s/%q/%v/%v/%v/", m.Status, m.Claims, m.Sending, holder, m.Lane, !m.CanceledAt.IsZero(), !m.ConfirmedAt.IsZero(), m.Published)
	switch {
	case m.DueAt.IsZero():
		b.WriteString("never")
	case !m.DueAt.After(u.now):
		b.WriteString("due")
	default:
		fmt.Fprint(&b, m.DueAt.Sub(u.now).Round(time.Second))
	}
	for _, a := range m.Attempts {
		fmt.Fprintf(&b, " %d:%v,%s,%d,%d,%v,%d,%v,%v", a.Step, a.Status, a.Reason, a.Tries, a.Doubts, a.Recall, a.RecallTries, a.ProviderID != "", u.now.Sub(a.StartedAt) >= exploreWait)
	}
	return b.String()
}

func (u *universe) parkedState() string {
	var b strings.Builder
	for i := range u.s.steps {
		for _, id := range []string{"p" + string(stepNames[i]), AttemptID(u.id, i).String()} {
			for _, r := range u.parked[channel.Ref{Channel: stepNames[i], ProviderID: id}] {
				fmt.Fprintf(&b, " parked %d:%v", i, r.Status)
			}
		}
	}
	return b.String()
}

// state is all that the future of a run depends on.
func (u *universe) state() string {
	var b strings.Builder
	fmt.Fprint(&b, u.rowState(&u.row), u.parkedState(), u.faults, u.crashed, u.unanswered, u.acked, u.receipts, u.parkedDelivery,
		u.cancelAcked, u.cancelUsed, u.heard, u.pauses, u.calls, u.maybe, u.taken, u.recalled, u.arrived, u.s.ttl && !u.now.Before(u.row.ExpiresAt))
	for _, co := range u.running {
		if co == nil {
			b.WriteString("|idle")
			continue
		}
		fmt.Fprint(&b, "|", co.now, co.trace)
	}
	for _, m := range u.seen {
		if m != nil {
			b.WriteString(u.rowState(m))
		}
	}
	return b.String()
}

// explore visits the schedules of a scenario, depth first. It returns how many states it saw,
// whether they are all, and the first violation with its schedule.
func explore(t testing.TB, s scenario, most int) (states int, complete bool, violation string) {
	seed := maphash.MakeSeed()
	seen := map[uint64]bool{}
	complete = true
	stack := [][]choice{nil}
	for len(stack) > 0 {
		path := stack[0]
		stack = stack[1:]
		if len(seen) >= most {
			return len(seen), false, ""
		}
		u := newUniverse(t, s)
		for _, c := range path {
			u.step(c)
		}
		for u.violation == "" {
			key := maphash.String(seed, u.state())
			if seen[key] {
				break
			}
			seen[key] = true
			cs := u.choices()
			if len(cs) == 0 {
				break
			}
			for _, c := range cs[1:] {
				stack = append(stack, append(slices.Clone(path), c))
			}
			path = append(slices.Clone(path), cs[0])
			u.step(cs[0])
		}
		if u.violation == "" {
			u.finish()
		}
		u.stop()
		if u.violation != "" {
			return len(seen), false, fmt.Sprintf("%s\n  after %v\n  row %s", u.violation, path, u.rowState(&u.row))
		}
	}
	return len(seen), complete, ""
}

var scenarios = []scenario{
	{name: "resend, stop", steps: 2, faults: 2, answers: []string{"accepted", "failed", "undeliverable", "temporary"}},
	{name: "resend, forward", steps: 2, faults: 2, onFailed: Forward, answers: []string{"accepted", "failed", "delivered", "lost, taken"}},
	{name: "at most once, stop", steps: 2, faults: 2, inDoubt: Forward, answers: []string{"accepted", "failed", "temporary", "lost, taken"}},
	{name: "at most once, unclaimed", steps: 2, faults: 2, inDoubt: Forward, unclaimed: true, answers: []string{"accepted", "undeliverable", "lost, not taken"}},
	{name: "at most once, a receipt", steps: 2, faults: 2, inDoubt: Forward, receipts: []status.Status{status.Delivered}, answers: []string{"accepted", "lost, taken"}},
	{name: "at most once, quoted", steps: 2, faults: 2, inDoubt: Forward, quotes: true, receipts: []status.Status{status.Delivered}, answers: []string{"accepted", "lost, taken"}},
	{name: "resend, two receipts", steps: 2, faults: 1, receipts: []status.Status{status.Delivered, status.Undeliverable}, answers: []string{"accepted", "undeliverable"}},
	{name: "resend, quoted", steps: 2, faults: 2, quotes: true, receipts: []status.Status{status.Delivered}, answers: []string{"accepted", "lost, taken"}},
	{name: "idempotent", steps: 2, faults: 2, idempotent: true, inDoubt: Forward, answers: []string{"accepted", "temporary", "lost, taken"}},
	{name: "uniform", steps: 2, faults: 2, uniform: true, receipts: []status.Status{status.Undeliverable}, answers: []string{"accepted", "undeliverable"}},
	{name: "cancel", steps: 2, faults: 2, cancel: true, answers: []string{"accepted", "temporary", "lost, taken"}},
	{name: "cancel, at most once", steps: 2, faults: 2, cancel: true, inDoubt: Forward, receipts: []status.Status{status.Delivered}, answers: []string{"accepted", "undeliverable"}},
	{name: "confirm", steps: 2, faults: 2, confirm: true, answers: []string{"accepted", "temporary", "lost, taken"}},
	{name: "confirm, at most once", steps: 2, faults: 2, confirm: true, inDoubt: Forward, receipts: []status.Status{status.Undeliverable}, answers: []string{"accepted", "undeliverable"}},
	{name: "outcomes", steps: 2, faults: 2, publishes: true, answers: []string{"accepted", "undeliverable", "failed"}},
	{name: "outcomes, receipts", steps: 1, faults: 2, publishes: true, receipts: []status.Status{status.Undeliverable, status.Delivered}, answers: []string{"accepted", "lost, taken"}},
	{name: "outcomes, confirm", steps: 2, faults: 2, publishes: true, confirm: true, answers: []string{"accepted", "undeliverable"}},
	{name: "outcomes, cancel, unclaimed", steps: 2, faults: 2, publishes: true, cancel: true, unclaimed: true, quotes: true, receipts: []status.Status{status.Delivered}, answers: []string{"accepted", "lost, taken"}},
	{name: "ttl", steps: 2, faults: 2, ttl: true, answers: []string{"accepted", "temporary", "undeliverable"}},
	{name: "stop, quoted, a receipt during the call", steps: 2, faults: 2, quotes: true, receipts: []status.Status{status.Undeliverable}, answers: []string{"failed", "accepted"}},
	{name: "three steps", steps: 3, faults: 1, onFailed: Forward, answers: []string{"accepted", "failed", "undeliverable"}},
	{name: "template paused", steps: 2, faults: 2, pause: Pause{Template: "t"}, answers: []string{"accepted", "undeliverable", "temporary"}},
	{name: "template paused, at most once", steps: 2, faults: 2, inDoubt: Forward, pause: Pause{Template: "t"}, answers: []string{"undeliverable", "lost, taken"}},
	{name: "template paused, a receipt", steps: 2, faults: 1, pause: Pause{Template: "t"}, receipts: []status.Status{status.Delivered}, answers: []string{"accepted", "undeliverable"}},
	{name: "template paused, cancel", steps: 2, faults: 1, cancel: true, pause: Pause{Template: "t"}, answers: []string{"accepted", "undeliverable"}},
	{name: "channel paused", steps: 2, faults: 2, pause: Pause{Channel: "b"}, answers: []string{"accepted", "undeliverable", "temporary"}},
	{name: "first channel paused, ttl", steps: 2, faults: 2, ttl: true, unclaimed: true, pause: Pause{Channel: "a"}, answers: []string{"accepted", "undeliverable"}},
	{name: "recalls", steps: 2, faults: 2, recalls: true, answers: []string{"accepted", "undeliverable"}},
	{name: "recalls, delivered", steps: 2, faults: 2, recalls: true, receipts: []status.Status{status.Delivered}, answers: []string{"accepted"}},
	{name: "recalls, undeliverable", steps: 2, faults: 2, recalls: true, receipts: []status.Status{status.Undeliverable}, answers: []string{"accepted"}},
	{name: "recalls, at most once, quoted", steps: 2, faults: 2, recalls: true, inDoubt: Forward, quotes: true, receipts: []status.Status{status.Delivered}, answers: []string{"accepted", "lost, taken"}},
	{name: "recalls, three steps", steps: 3, faults: 1, recalls: true, receipts: []status.Status{status.Delivered}, answers: []string{"accepted"}},
	{name: "recalls, outcomes", steps: 2, faults: 1, recalls: true, publishes: true, receipts: []status.Status{status.Delivered}, answers: []string{"accepted"}},
	{name: "recalls, confirm", steps: 2, faults: 1, recalls: true, confirm: true, answers: []string{"accepted"}},
	{name: "recalls, cancel", steps: 2, faults: 1, recalls: true, cancel: true, ttl: true, answers: []string{"accepted"}},
	{name: "three steps, at most once", steps: 3, faults: 2, inDoubt: Forward, answers: []string{"undeliverable", "lost, not taken"}},
}

func TestDispatcher_KeepsItsPromisesInEverySchedule(t *testing.T) {
	most := *exploreStates
	if testing.Short() { // in turns: the race detector, which is slow, finds nothing in them
		most /= 20
	}
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			states, complete, violation := explore(t, s, most)
			t.Logf("%d states, all of them: %v", states, complete)
			require.Empty(t, violation)
		})
	}
}
