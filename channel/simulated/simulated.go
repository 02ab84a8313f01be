package simulated

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms"
	"github.com/smsplus/smsplus-go/internal/mask"
	"github.com/smsplus/smsplus-go/status"
)

// Clock tells the time. The clocks of github.com/benbjohnson/clock implement it.
type Clock interface {
	// Now returns the time.
	Now() time.Time
	// After returns a Go channel that receives the time once d has passed.
	After(d time.Duration) <-chan time.Time
}

// Config chooses the channel to simulate, and its delays.
type Config struct {
	// Name is the channel's name. Defaults to channel.SMS.
	Name channel.Name
	// Traits are the channel's traits. Defaults to those of the real channel, for the four
	// names that package channel knows.
	Traits channel.Traits
	// Place is the pair of digits that chooses the outcome. Defaults to First for
	// channel.LINEPush, to Second for channel.LINENotify and channel.WhatsApp, and
	// to Third for any other name.
	Place Place
	// Clock decides when receipts are due. Defaults to the real one.
	Clock Clock
	// Delay is how long an accepted message takes to arrive. Defaults to 2 seconds.
	Delay time.Duration
	// Late is how long late messages and receipts take. It should exceed the waits that
	// they are meant to overrun. Defaults to 6 hours.
	Late time.Duration
	// Slow is how long a slow answer takes. Defaults to 10 seconds.
	Slow time.Duration
	// RetryAfter is the wait that a throttled sender is asked for. Defaults to 30 seconds.
	RetryAfter time.Duration
	// Memory is how many attempts the channel remembers, the latest ones, for Inbox and for
	// idempotency. Defaults to 100,000.
	Memory int
}

// defaultsByName holds the traits and the place of the channels that package channel knows.
var defaultsByName = map[channel.Name]struct {
	traits channel.Traits
	place  Place
}{
	channel.LINEPush:   {channel.Traits{Machine: status.LINEPush, Idempotent: true}, First},
	channel.LINENotify: {channel.Traits{Machine: status.LINENotify, UniformWait: true, Validity: 24 * time.Hour}, Second},
	channel.WhatsApp:   {channel.Traits{Machine: status.WhatsApp, Reads: true, Validity: 30 * 24 * time.Hour}, Second},
	channel.SMS:        {channel.Traits{Machine: status.SMS, Validity: 48 * time.Hour, Expires: true}, Third},
}

// Channel is a simulated channel. It is a [channel.Listener], a [channel.ContentChecker] and
// a [channel.Sizer], and safe for concurrent use.
type Channel struct {
	config  Config
	machine *status.Machine
	closed  chan struct{}
	close   func()

	mu           sync.Mutex
	attempts     map[uuid.UUID]*attempt
	attemptOrder []uuid.UUID // the keys of attempts, oldest first
	pending      receiptHeap
	lastSequence uint64
	changed      chan struct{} // closed, and replaced, when a receipt is queued
	sinks        []*channel.Sink
	script       []Outcome             // of the next attempts
	scripted     map[uuid.UUID]Outcome // of attempts that the script has reached
}

// New returns a simulated channel.
func New(c Config) *Channel {
	c.Name = cmp.Or(c.Name, channel.SMS)
	c.Traits = cmp.Or(c.Traits, defaultsByName[c.Name].traits)
	c.Place = cmp.Or(c.Place, defaultsByName[c.Name].place, Third)
	c.Delay = cmp.Or(c.Delay, 2*time.Second)
	c.Late = cmp.Or(c.Late, 6*time.Hour)
	c.Slow = cmp.Or(c.Slow, 10*time.Second)
	c.RetryAfter = cmp.Or(c.RetryAfter, 30*time.Second)
	c.Memory = cmp.Or(c.Memory, 100_000)
	if c.Clock == nil {
		c.Clock = realClock{}
	}
	closed := make(chan struct{})
	return &Channel{
		config:   c,
		machine:  cmp.Or(c.Traits.Machine, status.Default),
		closed:   closed,
		close:    sync.OnceFunc(func() { close(closed) }),
		attempts: make(map[uuid.UUID]*attempt),
		scripted: make(map[uuid.UUID]Outcome),
		changed:  make(chan struct{}),
	}
}

// LINEPush returns a simulated LINE Push channel; a nil clock is the real one.
func LINEPush(c Clock) *Channel { return New(Config{Name: channel.LINEPush, Clock: c}) }

// LINENotify returns a simulated channel of LINE Notification Messages; a nil
// clock is the real one.
func LINENotify(c Clock) *Channel { return New(Config{Name: channel.LINENotify, Clock: c}) }

// WhatsApp returns a simulated WhatsApp channel; a nil clock is the real one.
func WhatsApp(c Clock) *Channel { return New(Config{Name: channel.WhatsApp, Clock: c}) }

// SMS returns a simulated SMS channel; a nil clock is the real one.
func SMS(c Clock) *Channel { return New(Config{Name: channel.SMS, Clock: c}) }

// Close releases the sends that hang. Later sends do not hang.
func (c *Channel) Close() error {
	c.close()
	return nil
}

// Name returns the channel's name.
func (c *Channel) Name() channel.Name { return c.config.Name }

// Traits returns the channel's traits.
func (c *Channel) Traits() channel.Traits { return c.config.Traits }

// CheckContent returns an error for no content. The channel takes content of every kind, so
// that a test can send the templates that the application ships.
func (c *Channel) CheckContent(content channel.Content) error {
	if content == nil {
		return errors.New("simulated: there is no content")
	}
	return nil
}

// Size returns how many segments an SMS with the text has, and 1 for any other content.
func (c *Channel) Size(content channel.Content) int {
	text, _ := content.(channel.Text)
	return sms.Count(string(text)).Segments
}

// Outcome returns the outcome of a message to this recipient on this channel.
func (c *Channel) Outcome(to channel.Recipient) Outcome {
	if !to.Phone.IsZero() {
		return outcomeAt(to.Phone.E164(), c.config.Place)
	}
	id := to.IDs[c.config.Name]
	if id == "" || c.config.Name == channel.SMS || c.config.Name == channel.LINENotify {
		return InvalidNumber
	}
	return outcomeAt(id, c.config.Place)
}

// Script chooses the outcomes of the next attempts, in the order of their first tries,
// for any recipient. Each attempt keeps its outcome for all tries. Attempts after the
// script have the outcomes of their numbers again.
func (c *Channel) Script(outcomes ...Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.script = append(c.script, outcomes...)
}

// outcomeOf returns the outcome of an attempt: the script's, or that of the recipient.
func (c *Channel) outcomeOf(e channel.Envelope) Outcome {
	c.mu.Lock()
	defer c.mu.Unlock()
	if o, ok := c.scripted[e.AttemptID]; ok {
		return o
	}
	if len(c.script) == 0 {
		return c.Outcome(e.To)
	}
	o := c.script[0]
	c.script, c.scripted[e.AttemptID] = c.script[1:], o
	return o
}

var (
	errBusy   = errors.New("simulated: the provider is busy")
	errLost   = errors.New("simulated: the answer is lost")
	errClosed = errors.New("simulated: closed")
)

// Send simulates the outcome that the recipient's number chooses.
func (c *Channel) Send(ctx context.Context, e channel.Envelope) (channel.Result, error) {
	if err := ctx.Err(); err != nil {
		return channel.Result{}, channel.Temporary(fmt.Errorf("simulated: %w", err), 0)
	}
	if err := c.CheckContent(e.Content); err != nil {
		return channel.Result{}, channel.Failed(status.TemplateConfig, err.Error())
	}
	o := c.outcomeOf(e)
	if err := refusals[o]; err != nil {
		return channel.Result{}, err
	}
	if err := c.injectFault(ctx, o, e.Try); err != nil {
		return channel.Result{}, err
	}
	return c.acceptMessage(ctx, o, e)
}

// injectFault simulates the fault of an outcome before the message is taken. It returns the
// error of a message that is not taken.
func (c *Channel) injectFault(ctx context.Context, o Outcome, try int) error {
	switch {
	case o == FlakyTwice && try <= 2, o == Down:
		return channel.Temporary(errBusy, 0)
	case o == Throttled && try <= 1:
		return channel.Temporary(errBusy, c.config.RetryAfter)
	case o == InDoubtLost && try <= 1:
		return channel.InDoubt(errLost)
	case o == Panics:
		panic("simulated: a channel that panics")
	case o == Hangs:
		<-c.closed
		return channel.Temporary(errClosed, 0)
	case o == Slow:
		select {
		case <-c.config.Clock.After(c.config.Slow):
		case <-ctx.Done():
			return channel.InDoubt(fmt.Errorf("simulated: %w", ctx.Err()))
		case <-c.closed:
		}
	}
	return nil
}

// acceptMessage takes a message as a provider does: it answers, and queues the receipts.
func (c *Channel) acceptMessage(ctx context.Context, o Outcome, e channel.Envelope) (channel.Result, error) {
	now := c.config.Clock.Now()
	events := c.filterEvents(c.eventsFor(o, now), e.Expires, now)

	answer := channel.Result{Status: status.Accepted, ProviderID: e.AttemptID.String()}
	inAnswer := !c.machine.Reaches(status.Accepted) ||
		o == Delivered && c.machine.Can(c.machine.Initial(), status.Delivered)
	if inAnswer {
		if len(events) == 0 {
			return channel.Result{}, channel.InDoubt(errLost)
		}
		events[0].happenedAt, events[0].reportedAt = now, now
		answer.Status, answer.Reason = events[0].status, events[0].reason
	}

	if first, seen := c.recordAttempt(e, answer, events); seen {
		return first, nil
	}
	if inAnswer && o != ReceiptFirst {
		events = events[1:]
	}
	rs := c.newReceipts(e.AttemptID, events)
	if o == ReceiptFirst && len(rs) > 0 && c.deliverNow(ctx, rs[0]) {
		rs = rs[1:]
	}
	c.enqueueReceipts(rs...)
	if o == InDoubtTaken && e.Try <= 1 {
		return channel.Result{}, channel.InDoubt(errLost)
	}
	return answer, nil
}

// filterEvents leaves out events that the channel cannot report. It replaces a delivery
// after expires by an Undeliverable at that time.
func (c *Channel) filterEvents(events []event, expires, now time.Time) []event {
	events = slices.DeleteFunc(events, func(ev event) bool {
		return ev.read && !c.config.Traits.Reads || !c.machine.Reaches(ev.status)
	})
	if !c.config.Traits.Expires || expires.IsZero() || !arrivalTime(events).After(expires) {
		return events
	}
	if expires.Before(now) {
		expires = now
	}
	events = slices.DeleteFunc(events, func(ev event) bool { return ev.status == status.Delivered })
	return append(events, event{status: status.Undeliverable, reason: status.Expired, happenedAt: expires, reportedAt: expires})
}

// arrivalTime returns when the message reaches the person; zero for never.
func arrivalTime(events []event) time.Time {
	for _, ev := range events {
		if ev.status == status.Delivered && !ev.read {
			return ev.happenedAt
		}
	}
	return time.Time{}
}

// realClock is the real clock.
type realClock struct{}

//nolint:forbidigo // the clock itself
func (realClock) Now() time.Time { return time.Now() }

//nolint:forbidigo // as above
func (realClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// Format writes the channel's name, whatever the verb: the channel holds messages, and other
// goroutines change it.
func (c *Channel) Format(f fmt.State, _ rune) {
	mask.Writef(f, "simulated.Channel(%s)", c.config.Name)
}
