package smsplus_test

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/pgtest"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/pgstore"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/sqlitestore"
	"github.com/smsplus/smsplus-go/status"
	"github.com/smsplus/smsplus-go/storetest"
)

// choices are bytes drawn before a run, so that every goroutine may choose and rapid can still
// shrink. Used up, they are 0, which means that all is well.
type choices struct{ drawn []byte }

func (c *choices) next() (b byte) {
	if len(c.drawn) > 0 {
		b, c.drawn = c.drawn[0], c.drawn[1:]
	}
	return b
}

// pick chooses one of n equally likely choices.
func (c *choices) pick(n int) int { return int(c.next()) % n }

// storeFault is what happens at a call to the store.
type storeFault int

const (
	noFault       storeFault = iota
	failBefore               // the call fails without effect
	failAfter                // the call takes effect and its answer is lost
	crashBefore              // the dispatcher dies before the call
	crashAfter               // the dispatcher dies after it
	receiptBefore            // another dispatcher takes a receipt before the call
	stallBefore              // the dispatcher stops before the call for longer than a lease, and continues
	stallAfter               // the same after it
)

// faultOdds are the chances of each fault at a call, out of 256.
var faultOdds = []struct {
	fault  storeFault
	chance int
}{{failBefore, 6}, {failAfter, 6}, {crashBefore, 4}, {crashAfter, 4}, {receiptBefore, 4}, {stallBefore, 2}, {stallAfter, 2}}

// pickFault chooses the fault of one call. Low bytes are none.
func (c *choices) pickFault() storeFault {
	left := 256 - int(c.next())
	for _, o := range faultOdds {
		if left <= o.chance {
			return o.fault
		}
		left -= o.chance
	}
	return noFault
}

// faultMode says which faults a schedule has.
type faultMode int

const (
	anyFault faultMode = iota
	noCrash            // no dispatcher crashes or stalls, and the outcome of each call is stored
	noFaults
)

// faultModes are equally likely.
var faultModes = []faultMode{anyFault, anyFault, noCrash, noFaults}

// allow returns the fault that takes a drawn one's place. MustSucceed says that the call stores
// the outcome of a send, or the like: to Tick, a failure there is a crash, because it does not
// repeat it.
func (m faultMode) allow(f storeFault, mustSucceed bool) storeFault {
	switch {
	case m == anyFault, f == receiptBefore:
		return f
	case m == noFaults, mustSucceed:
		return noFault
	case f == crashBefore, f == stallBefore:
		return failBefore
	case f == crashAfter, f == stallAfter:
		return failAfter
	}
	return f
}

// providerAnswer is what a provider does with a send.
type providerAnswer struct {
	accepts  bool            // it has the message
	isRead   bool            // the person reads it with the first receipt
	result   error           // what it answers instead of its usual status
	panics   bool            // the adapter does
	receipts []status.Status // what it says later
}

// providerAnswers are equally likely.
var providerAnswers = []providerAnswer{
	{accepts: true, receipts: []status.Status{status.Delivered}},
	{accepts: true, receipts: []status.Status{status.Delivered}},
	{accepts: true, receipts: []status.Status{status.Delivered, status.Accepted, status.Delivered}, isRead: true},
	{accepts: true, receipts: []status.Status{status.Undeliverable}},
	{accepts: true, receipts: []status.Status{status.Undeliverable, status.Delivered}},
	{accepts: true},
	{accepts: true, result: channel.InDoubt(errFault), receipts: []status.Status{status.Delivered}},
	{accepts: true, result: channel.InDoubt(errFault)},
	{result: channel.InDoubt(errFault)},
	{result: channel.Undeliverable(status.NoContact, "")},
	{result: channel.Undeliverable(status.NoContact, "")},
	{result: channel.Failed(status.TemplateConfig, "")},
	{result: errFault},
	{result: errFault},
	{result: errFault},
	{panics: true},
}

// action is what a simulation does next.
type action int

const (
	sendMessage action = iota
	tick
	deliverReceipt
	waitForRetry // retries come within half a minute
	waitAnHour
	cancelLast
	confirmLast
	pauseOne
	resumeOne
	resendOne
	changeTemplates
)

// actionOdds are the weights of the actions.
var actionOdds = []struct {
	action action
	weight int
}{{sendMessage, 4}, {tick, 5}, {deliverReceipt, 3}, {waitForRetry, 2}, {waitAnHour, 1}, {cancelLast, 1}, {confirmLast, 1}, {pauseOne, 1}, {resumeOne, 1}, {resendOne, 1}, {changeTemplates, 1}}

func (c *choices) pickAction() action {
	total := 0
	for _, o := range actionOdds {
		total += o.weight
	}
	left := c.pick(total)
	for _, o := range actionOdds {
		if left < o.weight {
			return o.action
		}
		left -= o.weight
	}
	panic("unreachable")
}

// simulatedPauses are what a simulation pauses and resumes.
var simulatedPauses = []smsplus.Pause{
	{Channel: channel.SMS}, {Channel: channel.LINENotify}, {Channel: channel.WhatsApp}, {Template: "line"}, {Template: "whatsapp"},
}

// editions are the templates that a simulation has in turns. The second has other contents, and no
// step on LINE Notification. The third lacks a template.
var editions = func() [][]smsplus.Template {
	edition := func(text channel.Text) []smsplus.Template {
		step := func(n channel.Name, s smsplus.Step) smsplus.Step {
			s.Channel, s.Content = n, text
			return s
		}
		return []smsplus.Template{
			{ID: "line", Class: smsplus.Bulk, Route: []smsplus.Step{
				step(channel.LINEPush, smsplus.Step{OnFailed: smsplus.Forward}),
				step(channel.LINENotify, smsplus.Step{Wait: time.Hour, InDoubt: smsplus.Forward}),
				step(channel.SMS, smsplus.Step{Wait: 2 * time.Hour}),
			}},
			{ID: "whatsapp", Class: smsplus.Urgent, TTL: 3 * time.Hour, Route: []smsplus.Step{
				step(channel.WhatsApp, smsplus.Step{Wait: time.Hour}),
				step(channel.SMS, smsplus.Step{InDoubt: smsplus.Forward}),
			}},
			{ID: "until read", Route: []smsplus.Step{
				step(channel.WhatsApp, smsplus.Step{Wait: time.Hour, Until: smsplus.UntilRead}),
				step(channel.SMS, smsplus.Step{Wait: time.Hour, Until: smsplus.UntilAccepted}),
			}},
		}
	}
	second, third := edition("the code is {{code}}"), edition("{{code}}")
	second[0].Route = slices.Delete(second[0].Route, 1, 2)
	return [][]smsplus.Template{edition("{{code}}"), second, slices.Delete(third, 1, 2)}
}()

// contentIn returns what an edition says in a template on a channel, or false.
func contentIn(edition int, template string, name channel.Name) (channel.Content, bool) {
	for _, t := range editions[edition] {
		for _, step := range t.Route {
			if t.ID == template && step.Channel == name {
				c, err := step.Content.Render(map[string]string{"code": "498172"})
				return c, err == nil
			}
		}
	}
	return nil, false
}

// simulation is three dispatchers on one store, providers with drawn answers, and drawn
// faults. It runs in one goroutine. A crash is a store that stops answering its
// dispatcher in the middle of a call.
type simulation struct {
	t           require.TestingT
	ctx         context.Context
	clock       *clock.Mock
	store       smsplus.Store
	dispatchers []*smsplus.Dispatcher
	crashed     []bool
	editions    []int // by dispatcher

	actions, faults, answers *choices
	faultsOff                bool
	failures                 int // calls that failed in this action
	mode                     faultMode
	called                   []bool // by dispatcher: a provider was called since the last update
	ids                      int

	triggers  []smsplus.Trigger
	sent      []uuid.UUID             // the IDs that Send and Resend returned
	resent    map[uuid.UUID]uuid.UUID // what Resend returned, by message
	broken    []string                // promises. A channel that failed the test would only have panicked.
	message   map[uuid.UUID]uuid.UUID // by attempt
	accepted  map[uuid.UUID]int       // by attempt: how often a provider accepted it
	calls     map[uuid.UUID]int       // by attempt: how often a provider was called
	unknown   map[uuid.UUID]int       // by attempt: how many calls were not answered
	attempts  map[channel.Name]map[uuid.UUID]map[uuid.UUID]bool
	inTransit []channel.Receipt
	asks      bool                              // the provider of WhatsApp can be asked
	happened  map[channel.Ref][]channel.Receipt // what it answers
	delivered map[channel.Ref]struct{}          // deliveries that Receive acknowledged
	confirmed map[uuid.UUID]struct{}            // messages of which Confirm returned nil
	publishes bool                              // the dispatchers have Outcomes
	heard     map[uuid.UUID][]heardOutcome      // by message: what Outcomes took, or failed after it did
	recalls   bool                              // the providers take messages back
	attemptOf map[channel.Ref]uuid.UUID
	recalled  map[uuid.UUID]bool // attempts that their providers took back
	asked     map[uuid.UUID]bool // attempts that a provider was to take back
}

var errFault = errors.New("fault")

// faultyStore returns a dispatcher's view of the store. It fails calls, and crashes the
// dispatcher. The fault of a call is drawn before it and kept until after it.
func (s *simulation) faultyStore(i int) smsplus.Store {
	fault := noFault
	fails := func(now, crash storeFault) error {
		if fault == crash {
			s.crashed[i] = true
		}
		if s.crashed[i] || fault == now {
			return errFault
		}
		return nil
	}
	return &storetest.Faulty{
		Store: s.store,
		Before: func(method string) error {
			fault = noFault
			if !s.crashed[i] && !s.faultsOff {
				// Tick does not repeat a release that fails, after other calls failed: that is
				// a crash too.
				fault = s.mode.allow(s.faults.pickFault(), method == "Update" && s.called[i] || s.failures >= 2)
			}
			if fault == failBefore || fault == failAfter {
				s.failures++
			}
			if method == "Update" {
				s.called[i] = false
			}
			switch fault {
			case receiptBefore:
				s.interleaveReceipt(i)
			case stallBefore:
				s.stall(i)
			default:
			}
			return fails(failBefore, crashBefore)
		},
		After: func(string) error {
			if fault == stallAfter {
				s.stall(i)
			}
			return fails(failAfter, crashAfter)
		},
	}
}

// stall lets the lease of a dispatcher end in the middle of a call, and another dispatcher
// take over.
func (s *simulation) stall(i int) {
	s.faultsOff = true // one fault at once
	s.clock.Add(61 * time.Second)
	other := (i + 1) % len(s.dispatchers)
	_, err := s.dispatchers[other].Tick(s.ctx)
	if err != nil && !s.crashed[other] {
		s.broken = append(s.broken, fmt.Sprintf("a tick without faults failed: %v", err))
	}
	s.faultsOff = false
}

// interleaveReceipt lets another dispatcher take a receipt in the middle of a call.
func (s *simulation) interleaveReceipt(i int) {
	s.faultsOff = true // one fault at once
	s.deliver((i + 1) % len(s.dispatchers))
	s.faultsOff = false
}

// start replaces a dispatcher by a new one.
func (s *simulation) start(i int) {
	s.crashed[i], s.editions[i] = false, 0
	var outcomes smsplus.Outcomes
	if s.publishes {
		outcomes = s
	}
	d, err := smsplus.New(smsplus.Config{
		Store: s.faultyStore(i), Clock: s.clock, Outcomes: outcomes,
		Channels: []channel.Channel{
			s.provider(i, channel.LINEPush), s.provider(i, channel.LINENotify), s.provider(i, channel.WhatsApp), s.provider(i, channel.SMS),
		},
		Templates: editions[0],
		Retry:     smsplus.Retry{Tries: 4, Base: 20 * time.Second, Max: 20 * time.Second},
		Batch:     3,
		NewID:     s.newID,
	})
	require.NoError(s.t, err)
	s.dispatchers[i] = d
}

// heardOutcome is an outcome that was published, and the status of its message then.
type heardOutcome struct {
	id     uuid.UUID
	kind   smsplus.OutcomeKind
	status status.Status
}

// Publish fails at random, also after it took the outcome.
func (s *simulation) Publish(_ context.Context, o smsplus.Outcome) error {
	fault := 0
	if s.mode != noFaults && !s.faultsOff {
		fault = s.answers.pick(6)
	}
	if fault == 5 {
		return errFault
	}
	s.heard[o.Message.ID] = append(s.heard[o.Message.ID], heardOutcome{o.ID, o.Kind, o.Message.Status})
	if fault == 4 {
		return errFault
	}
	return nil
}

// checkClosed holds a message that is stored against the promise that no outcome is lost: a
// message is due until all of them were heard.
func (s *simulation) checkClosed(m smsplus.Message) {
	if !s.publishes || !m.DueAt.IsZero() {
		return
	}
	heard := s.heard[m.ID]
	lacks := func(what string, matches func(heardOutcome) bool) {
		if !slices.ContainsFunc(heard, matches) {
			s.broken = append(s.broken, fmt.Sprintf("closed before %s was heard: %s, %v", what, statuses(m), heard))
		}
	}
	lacks("its end", func(h heardOutcome) bool {
		return (h.kind == smsplus.OutcomeEnded || h.kind == smsplus.OutcomeDelivered) && h.status == m.Status
	})
	if !m.ReadAt.IsZero() {
		lacks("that it was read", func(h heardOutcome) bool { return h.kind == smsplus.OutcomeRead })
	}
	if !m.ConfirmedAt.IsZero() {
		lacks("that it was confirmed", func(h heardOutcome) bool { return h.kind == smsplus.OutcomeConfirmed })
	}
}

// checkOrder holds what was heard of a message against the promise of its order, apart from
// repeats: an end comes first, and after a delivery no other end.
func (s *simulation) checkOrder(m smsplus.Message) {
	seen := map[uuid.UUID]bool{}
	delivered := false
	for i, h := range s.heard[m.ID] {
		if seen[h.id] {
			continue
		}
		seen[h.id] = true
		require.False(s.t, i == 0 && h.kind != smsplus.OutcomeEnded, "%v", s.heard[m.ID])
		isEnd := h.kind == smsplus.OutcomeEnded || h.kind == smsplus.OutcomeDelivered
		require.False(s.t, delivered && isEnd && h.status != status.Delivered, "%v", s.heard[m.ID])
		delivered = delivered || h.status == status.Delivered
	}
	if s.mode == noFaults {
		require.Len(s.t, s.heard[m.ID], len(seen), "nothing is published twice without a fault: %v", s.heard[m.ID])
	}
}

// simulatedQuerier is a channel whose provider can be asked.
type simulatedQuerier struct {
	channel.Channel
	s *simulation
}

func (q simulatedQuerier) Traits() channel.Traits {
	t := q.Channel.Traits()
	t.PollEvery = 20 * time.Minute
	return t
}

// Query fails at random. It answers part of the questions all the same.
func (q simulatedQuerier) Query(_ context.Context, refs []channel.Ref) (rs []channel.Receipt, err error) {
	for _, ref := range refs {
		if q.s.mode != noFaults && !q.s.faultsOff && q.s.answers.pick(4) == 3 {
			err = errFault
			continue
		}
		rs = append(rs, q.s.known(ref)...)
	}
	return rs, err
}

// known returns what has become of an attempt by now.
func (s *simulation) known(ref channel.Ref) (rs []channel.Receipt) {
	for _, r := range s.happened[ref] {
		if !r.At.After(s.clock.Now()) {
			rs = append(rs, r)
		}
	}
	return rs
}

// shouldKnow reports whether a provider that never fails has said of an open attempt that it
// was delivered.
func (s *simulation) shouldKnow(m smsplus.Message) bool {
	return s.asks && s.mode == noFaults && m.Template == "whatsapp" && slices.ContainsFunc(m.Attempts, func(a smsplus.Attempt) bool {
		return a.Channel == channel.WhatsApp && !a.Status.Final() && slices.ContainsFunc(s.known(channel.Ref{Channel: a.Channel, ProviderID: a.ProviderID}), isDelivery)
	})
}

func isDelivery(r channel.Receipt) bool { return r.Status == status.Delivered }

// provider is a dispatcher's channel, whose every answer is drawn.
func (s *simulation) provider(i int, name channel.Name) channel.Channel {
	ch := s.providerOfSends(i, name)
	asks, recalls := s.asks && name == channel.WhatsApp, s.recalls && name != channel.LINEPush
	switch {
	case asks && recalls:
		return simulatedQuerierAndRecaller{simulatedQuerier{ch, s}, simulatedRecaller{ch, s}}
	case asks:
		return simulatedQuerier{ch, s}
	case recalls:
		return simulatedRecaller{ch, s}
	}
	return ch
}

// simulatedRecaller is a channel whose provider takes messages back.
type simulatedRecaller struct {
	channel.Channel
	s *simulation
}

type simulatedQuerierAndRecaller struct {
	simulatedQuerier
	recaller simulatedRecaller
}

func (q simulatedQuerierAndRecaller) Recall(ctx context.Context, ref channel.Ref) (channel.Recall, error) {
	return q.recaller.Recall(ctx, ref)
}

// Recall takes a message back that has not arrived yet. It fails at random, before or after that.
func (r simulatedRecaller) Recall(_ context.Context, ref channel.Ref) (channel.Recall, error) {
	s := r.s
	attempt, ok := s.attemptOf[ref]
	if !ok {
		return channel.Impossible, nil
	}
	m, err := s.store.Message(s.ctx, s.message[attempt])
	if err != nil || !hasLivingSuccessor(m, attempt) {
		s.broken = append(s.broken, fmt.Sprintf("a recall without a living successor: %s on %s (%v)", statuses(m), ref.Channel, err))
	}
	s.asked[attempt] = true
	chosen := s.answers.pick(8)
	mayFail := s.mode != noFaults && !s.faultsOff
	switch {
	case chosen == 7 && mayFail:
		return 0, errFault
	case chosen == 6:
		return channel.Impossible, nil
	case slices.ContainsFunc(s.known(ref), isDelivery):
		return channel.TooLate, nil
	}
	s.recalled[attempt] = true
	happens := func(r channel.Receipt) bool { return r.Ref() == ref && r.At.After(s.clock.Now()) }
	s.inTransit = slices.DeleteFunc(s.inTransit, happens)
	s.happened[ref] = slices.DeleteFunc(s.happened[ref], happens)
	if chosen == 5 && mayFail {
		return 0, errFault
	}
	return channel.Recalled, nil
}

// hasLivingSuccessor reports whether another attempt makes a copy needless: see recall.go.
func hasLivingSuccessor(m smsplus.Message, attempt uuid.UUID) bool {
	i := slices.IndexFunc(m.Attempts, func(a smsplus.Attempt) bool { return a.ID == attempt })
	return i >= 0 && !m.ConfirmedAt.IsZero() && len(m.Attempts) > 1 || i >= 0 && slices.ContainsFunc(m.Attempts, func(b smsplus.Attempt) bool {
		if b.Step > m.Attempts[i].Step {
			return b.Status == status.Accepted || b.Status == status.Delivered
		}
		isRead := m.Plan[b.Step].Until != smsplus.UntilRead || !b.ReadAt.IsZero()
		return b.Step < m.Attempts[i].Step && b.Status == status.Delivered && isRead
	})
}

func (s *simulation) providerOfSends(i int, name channel.Name) channel.Channel {
	return fakeChannel(name, func(_ context.Context, e channel.Envelope) (channel.Result, error) {
		id := s.message[e.AttemptID]
		m, err := s.store.Message(s.ctx, id)
		if err != nil || hasSucceeded(m) {
			s.broken = append(s.broken, fmt.Sprintf("a step was started after a committed delivery: %s on %s (%v)", statuses(m), name, err))
		}
		if s.shouldKnow(m) {
			s.broken = append(s.broken, fmt.Sprintf("a step was started although the provider knew of a delivery: %s on %s", statuses(m), name))
		}
		for _, a := range m.Attempts {
			if reason := s.mayNotFollow(m, a, name); reason != "" {
				s.broken = append(s.broken, fmt.Sprintf("%s: %s on %s", reason, statuses(m), name))
			}
		}
		if want, ok := contentIn(s.editions[i], m.Template, name); !ok || e.Content != want {
			s.broken = append(s.broken, fmt.Sprintf("a step was sent with another content than the dispatcher's templates have: %s on %s", statuses(m), name))
		}
		s.called[i] = true
		s.calls[e.AttemptID]++
		ps, err := s.store.Pauses(s.ctx)
		require.NoError(s.t, err)
		m.Lane = name
		if p, paused := m.PausedBy(ps); paused {
			s.broken = append(s.broken, fmt.Sprintf("a step was started during a pause: %s on %s (%v)", statuses(m), name, p))
		}
		if s.attempts[name][id] == nil {
			s.attempts[name][id] = map[uuid.UUID]bool{}
		}
		s.attempts[name][id][e.AttemptID] = true

		answer := providerAnswers[s.answers.pick(len(providerAnswers))]
		if answer.panics {
			panic(errFault)
		}
		if err, ok := errors.AsType[*channel.Error](answer.result); ok && err.InDoubt() {
			s.unknown[e.AttemptID]++
		}
		if answer.accepts {
			s.accepted[e.AttemptID]++
		}
		// Half of the providers quote the attempt's ID, half have IDs of their own.
		ref, usual := e.AttemptID.String(), status.Accepted
		if name == channel.SMS || name == channel.LINEPush {
			ref = fmt.Sprintf("%s-%d", providerID(e.AttemptID), s.accepted[e.AttemptID])
		}
		if name == channel.LINEPush {
			usual = status.Delivered
		}
		s.attemptOf[channel.Ref{Channel: name, ProviderID: ref}] = e.AttemptID
		s.attemptOf[channel.Ref{Channel: name, ProviderID: e.AttemptID.String()}] = e.AttemptID
		for _, st := range answer.receipts {
			r := channel.Receipt{Channel: name, ProviderID: ref, Status: st, Read: answer.isRead && name == channel.WhatsApp, At: s.clock.Now().Add(time.Minute)}
			s.inTransit = append(s.inTransit, r)
			s.happened[r.Ref()] = append(s.happened[r.Ref()], r)
		}
		if answer.result != nil {
			return channel.Result{}, answer.result
		}
		return channel.Result{Status: usual, ProviderID: ref}, nil
	})
}

// hasSucceeded reports whether the message is confirmed, or an attempt is the success that its
// step wants.
func hasSucceeded(m smsplus.Message) bool {
	return !m.ConfirmedAt.IsZero() || slices.ContainsFunc(m.Attempts, func(a smsplus.Attempt) bool {
		switch m.Plan[a.Step].Until {
		case smsplus.UntilRead:
			return !a.ReadAt.IsZero()
		case smsplus.UntilAccepted:
			return a.Status == status.Accepted || a.Status == status.Delivered
		default:
			return a.Status == status.Delivered
		}
	})
}

// mayNotFollow returns why no later step may be sent after an attempt of the stored message,
// or "".
func (s *simulation) mayNotFollow(m smsplus.Message, a smsplus.Attempt, name channel.Name) string {
	p := m.Plan[a.Step]
	switch {
	case a.Channel == name:
	case a.Status == status.Failed && p.OnFailed != smsplus.Forward:
		return "a step was started after a failure that stops the route"
	case a.Status == status.Failed:
	case a.Status != status.Accepted && !traitsOf[a.Channel].UniformWait:
	case s.clock.Now().Before(a.StartedAt.Add(p.Wait)):
		return "a step was left before its wait was over"
	}
	return ""
}

// deliver hands the oldest receipt in transit to a dispatcher, and keeps it in transit if
// the dispatcher does not take it.
func (s *simulation) deliver(i int) {
	if len(s.inTransit) == 0 {
		return
	}
	r := s.inTransit[0]
	s.inTransit = s.inTransit[1:]
	if err := s.dispatchers[i].Receive(s.ctx, r); err != nil {
		s.inTransit = append(s.inTransit, r)
	} else if r.Status == status.Delivered {
		s.delivered[r.Ref()] = struct{}{}
	}
}

// act lets one dispatcher, or the clock, do one thing.
func (s *simulation) act() {
	s.failures = 0
	i := s.actions.pick(len(s.dispatchers))
	if s.crashed[i] {
		s.start(i)
	}
	d := s.dispatchers[i]
	switch s.actions.pickAction() {
	case sendMessage:
		if id, err := d.Send(s.ctx, s.triggers[s.actions.pick(len(s.triggers))]); err == nil {
			s.sent = append(s.sent, id)
		}
	case tick:
		_, _ = d.Tick(s.ctx) // an error is an injected fault
	case deliverReceipt:
		s.deliver(i)
	case waitForRetry:
		s.clock.Add(time.Duration(1+s.actions.pick(16)) * 30 * time.Second)
	case waitAnHour:
		s.clock.Add(time.Hour)
	case cancelLast:
		if len(s.sent) > 0 {
			_ = d.Cancel(s.ctx, s.sent[len(s.sent)-1]) // it may have ended
		}
	case confirmLast:
		if len(s.sent) > 0 {
			id := s.sent[len(s.sent)-1]
			if d.Confirm(s.ctx, id) == nil {
				s.confirmed[id] = struct{}{}
			}
		}
	case pauseOne:
		_ = d.Pause(s.ctx, simulatedPauses[s.actions.pick(len(simulatedPauses))]) // an error is an injected fault
	case resumeOne:
		_ = d.Resume(s.ctx, simulatedPauses[s.actions.pick(len(simulatedPauses))])
	case resendOne:
		if len(s.sent) > 0 {
			s.resend(d, s.sent[s.actions.pick(len(s.sent))])
		}
	case changeTemplates:
		s.editions[i] = s.actions.pick(len(editions))
		require.NoError(s.t, d.SetTemplates(editions[s.editions[i]]))
	}
}

// resend resends a message that did not arrive. Repeated calls give the same message.
func (s *simulation) resend(d *smsplus.Dispatcher, id uuid.UUID) {
	m, err := s.store.Message(s.ctx, id)
	require.NoError(s.t, err)
	again, err := d.Resend(s.ctx, id)
	if err != nil {
		return // an injected fault, or a message that is not to be resent
	}
	if m.Status == status.Delivered && m.ResentAs == uuid.Nil {
		s.broken = append(s.broken, "a message was resent after its delivery: "+statuses(m))
	}
	if first, ok := s.resent[id]; ok && first != again {
		s.broken = append(s.broken, "a message was resent twice: "+statuses(m))
	}
	s.resent[id] = again
	s.sent = append(s.sent, again)
}

// How many choices a simulation has at most.
const (
	actionChoices = 3 * 120
	faultChoices  = 600
	answerChoices = 80
)

func TestDispatcher_LosesNothingWhateverCrashes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		draw := func(n int, what string) *choices {
			return &choices{rapid.SliceOfN(rapid.Byte(), n/2, n).Draw(rt, what)}
		}
		s := &simulation{actions: draw(actionChoices, "actions"), faults: draw(faultChoices, "faults"), answers: draw(answerChoices, "answers")}
		s.run(t.Context(), rt, memstore.New())
	})
}

var schedules = flag.Int("schedules", 0, "how many schedules of `random` faults run on each store; 0: as many as take some seconds")

// The same holds on every store. A schedule is drawn from its number, so that it can be
// repeated.
func TestDispatcher_LosesNothingOnAnyStore(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		few   int // schedules by default
		store func(t *testing.T) smsplus.Store
	}{
		{"in memory", 60, func(*testing.T) smsplus.Store { return memstore.New() }},
		{"in a file", 30, func(t *testing.T) smsplus.Store {
			path := filepath.Join(t.TempDir(), "messages.db")
			require.NoError(t, sqlitestore.Migrate(t.Context(), path))
			s, err := sqlitestore.Open(t.Context(), path, sqlitestore.Options{Synchronous: sqlitestore.Normal})
			require.NoError(t, err)
			return s
		}},
		{"on a server", 20, func(t *testing.T) smsplus.Store {
			pool, o := pgtest.Pool(t, nil), pgstore.Options{Schema: pgtest.Schema(t)}
			require.NoError(t, pgstore.Migrate(t.Context(), pool, o))
			s, err := pgstore.New(t.Context(), pool, o)
			require.NoError(t, err)
			return s
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			store := tt.store(t)
			defer func() { require.NoError(t, store.Close()) }()
			for number := range cmp.Or(*schedules, tt.few) {
				r := rand.New(rand.NewPCG(uint64(number), 0))
				draw := func(n int) *choices {
					drawn := make([]byte, n/2+r.IntN(n/2))
					for i := range drawn {
						drawn[i] = byte(r.Uint32())
					}
					return &choices{drawn}
				}
				s := &simulation{actions: draw(actionChoices), faults: draw(faultChoices), answers: draw(answerChoices)}
				s.run(t.Context(), scheduleT{t, number}, store)
				s.empty()
			}
		})
	}
}

// scheduleT adds a schedule's number to the failures of a test.
type scheduleT struct {
	*testing.T
	number int
}

func (n scheduleT) Errorf(format string, args ...any) {
	n.T.Errorf("schedule %d: "+format, append([]any{n.number}, args...)...)
}

// run runs the drawn actions on an empty store, then lets everything end without faults,
// and checks the promises.
func (s *simulation) run(ctx context.Context, t require.TestingT, store smsplus.Store) {
	const dispatchers = 3
	s.t, s.ctx, s.clock = t, ctx, clock.NewMock()
	s.dispatchers, s.crashed = make([]*smsplus.Dispatcher, dispatchers), make([]bool, dispatchers)
	s.editions, s.resent = make([]int, dispatchers), map[uuid.UUID]uuid.UUID{}
	s.called, s.mode = make([]bool, dispatchers), faultModes[s.actions.pick(len(faultModes))]
	s.recalls, s.recalled = s.actions.pick(2) == 1, map[uuid.UUID]bool{}
	s.asked, s.attemptOf = map[uuid.UUID]bool{}, map[channel.Ref]uuid.UUID{}
	s.asks, s.happened = s.actions.pick(2) == 1, map[channel.Ref][]channel.Receipt{}
	s.message, s.accepted = map[uuid.UUID]uuid.UUID{}, map[uuid.UUID]int{}
	s.calls, s.unknown = map[uuid.UUID]int{}, map[uuid.UUID]int{}
	s.attempts, s.delivered = map[channel.Name]map[uuid.UUID]map[uuid.UUID]bool{}, map[channel.Ref]struct{}{}
	s.confirmed, s.heard = map[uuid.UUID]struct{}{}, map[uuid.UUID][]heardOutcome{}
	s.publishes = s.actions.pick(2) == 1
	s.store = &storeRecordingAttempts{store, s.message, s.checkClosed}
	s.clock.Set(start)
	for _, name := range []channel.Name{channel.LINEPush, channel.LINENotify, channel.WhatsApp, channel.SMS} {
		s.attempts[name] = map[uuid.UUID]map[uuid.UUID]bool{}
	}
	to, err := phone.Parse("+886912345678")
	require.NoError(t, err)
	for _, template := range []string{"line", "whatsapp", "until read"} {
		for _, key := range []string{"", "a-" + template, "b-" + template} {
			s.triggers = append(s.triggers, smsplus.Trigger{
				Template: template, Key: key, To: channel.Recipient{Phone: to}, Vars: map[string]string{"code": "498172"},
			})
		}
	}
	for i := range s.dispatchers {
		s.start(i)
	}
	for len(s.actions.drawn) > 0 {
		s.act()
	}

	// The faults and the pauses stop, every receipt arrives, and time passes.
	s.faultsOff = true
	for i := range s.dispatchers {
		s.start(i)
	}
	for _, p := range simulatedPauses {
		require.NoError(t, s.dispatchers[0].Resume(s.ctx, p))
	}
	for range 40 {
		for range len(s.inTransit) {
			s.deliver(0)
		}
		_, err := s.dispatchers[0].Tick(s.ctx)
		require.NoError(t, err)
		s.clock.Add(3 * time.Hour)
	}
	require.Empty(t, s.inTransit)
	s.check()
}

// empty drops everything from the store.
func (s *simulation) empty() {
	for n := 1; n > 0; {
		var err error
		n, err = s.store.Purge(s.ctx, s.clock.Now().Add(24*time.Hour), 1000)
		require.NoError(s.t, err)
	}
}

func (s *simulation) newID() uuid.UUID {
	s.ids++
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte{byte(s.ids), byte(s.ids >> 8)})
}

// check holds the stored messages against the promises.
func (s *simulation) check() {
	require.Empty(s.t, s.broken)
	for _, id := range s.sent {
		_, err := s.store.Message(s.ctx, id)
		require.NoError(s.t, err, "a message whose Send returned is lost")
	}
	s.checkResends()
	page, err := s.store.Records(s.ctx, smsplus.Filter{Limit: 1000})
	require.NoError(s.t, err)
	for _, m := range page.Messages {
		require.True(s.t, m.Status.Final() || hasSucceeded(m), "%s", statuses(m))
		require.True(s.t, m.DueAt.IsZero(), "%s", statuses(m))
		if s.publishes {
			s.checkClosed(m)
			require.Empty(s.t, s.broken)
			s.checkOrder(m)
		}
		if _, ok := s.confirmed[m.ID]; ok {
			require.Equal(s.t, status.Delivered, m.Status, "confirmed: %s", statuses(m))
			require.NotZero(s.t, m.ConfirmedAt)
		}
		if !hasSucceeded(m) { // a success may end a message under a holder that then dies
			require.Zero(s.t, m.Claims)
			require.Zero(s.t, m.Holder)
		}
		for _, a := range m.Attempts {
			require.Equal(s.t, smsplus.AttemptID(m.ID, a.Step), a.ID)
			require.LessOrEqual(s.t, len(s.attempts[a.Channel][m.ID]), 1, "two attempt IDs on one channel")
			if m.Plan[a.Step].InDoubt == smsplus.Forward {
				require.LessOrEqual(s.t, s.accepted[a.ID], 1, "sent twice on a step that sends at most once")
			}
			require.LessOrEqual(s.t, a.Tries, s.calls[a.ID], "a try without a call")
			if s.mode != anyFault {
				require.LessOrEqual(s.t, s.accepted[a.ID], 1+s.unknown[a.ID], "sent twice without need")
				require.True(s.t, a.Status != status.Failed || s.calls[a.ID] > 0, "failed without a call")
				require.True(s.t, !a.Status.Final() || a.Reason != status.InDoubt || s.unknown[a.ID] > 0, "given up in doubt although every call was answered: %s", statuses(m))
			}
			if _, ok := s.delivered[channel.Ref{Channel: a.Channel, ProviderID: a.ProviderID}]; ok {
				require.Equal(s.t, status.Delivered, a.Status, "a receipt was taken and then forgotten")
			}
			if a.Status.Final() && a.Status != status.Delivered {
				require.NotEmpty(s.t, a.EndedAt)
			}
			s.checkRecall(m, a)
		}
	}
}

// checkResends requires that a message and the one that repeats it name each other.
func (s *simulation) checkResends() {
	for id, again := range s.resent {
		m, err := s.store.Message(s.ctx, id)
		require.NoError(s.t, err)
		require.Equal(s.t, again, m.ResentAs)
		m, err = s.store.Message(s.ctx, again)
		require.NoError(s.t, err)
		require.Equal(s.t, id, m.ResendOf)
	}
}

// checkRecall holds a stored attempt against the promises about recalls.
func (s *simulation) checkRecall(m smsplus.Message, a smsplus.Attempt) {
	if !s.recalls || a.Channel == channel.LINEPush {
		require.Zero(s.t, a.Recall)
		return
	}
	if s.recalled[a.ID] && s.accepted[a.ID] == 1 {
		require.NotEqual(s.t, status.Delivered, a.Status, "a copy that was taken back is visible: %s", statuses(m))
	}
	if a.Status == status.Accepted && a.Recall == 0 {
		require.False(s.t, hasLivingSuccessor(m, a.ID), "a copy that is needless was never taken back: %s", statuses(m))
	}
	if s.mode == noFaults {
		require.Equal(s.t, a.Recall != 0, s.asked[a.ID] || a.Recall == channel.Impossible, "a wish was lost: %s", statuses(m))
	}
	if a.Recall == channel.Recalled {
		require.True(s.t, s.recalled[a.ID], "a recall that was not made")
	}
}

// storeRecordingAttempts records the message of each attempt.
type storeRecordingAttempts struct {
	smsplus.Store
	message map[uuid.UUID]uuid.UUID
	check   func(m smsplus.Message)
}

func (s *storeRecordingAttempts) Update(ctx context.Context, ms []smsplus.Message) ([]uuid.UUID, error) {
	for _, m := range ms {
		s.check(m)
	}
	return s.Store.Update(ctx, ms)
}

func (s *storeRecordingAttempts) Insert(ctx context.Context, ms []smsplus.Message) (map[string]smsplus.Message, error) {
	for _, m := range ms {
		for step := range m.Plan {
			s.message[smsplus.AttemptID(m.ID, step)] = m.ID
		}
	}
	return s.Store.Insert(ctx, ms)
}
