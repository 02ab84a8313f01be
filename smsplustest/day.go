package smsplustest

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/webhook"
)

// Day is a Dispatcher in mock time, with its store, its channels and its webhooks. It begins
// at 09:00 UTC on 2 March 2026. A method that cannot do its work ends the test.
//
// One goroutine at a time may use a Day. Its Dispatcher and its Clock are safe for
// concurrent use.
type Day struct {
	// Dispatcher has the application's templates. It does not run: the Day does what is due.
	Dispatcher *smsplus.Dispatcher

	t         testing.TB
	clock     *clock.Mock
	store     smsplus.Store
	providers []*simulated.Channel
	webhooks  http.Handler

	mu   sync.Mutex
	sent []Sent
}

// Sent is one call of a channel's Send.
type Sent struct {
	// Envelope is what the channel was given. Its Content is rendered.
	channel.Envelope
	// Channel is the channel's name.
	Channel channel.Name
	// Text is the content as a text: that of a [channel.Text], in the open, and the JSON of
	// LINE's messages. It is "" for content that is no text, such as WhatsApp's templates.
	Text string
	// At is when it was sent.
	At time.Time
}

// NewDay returns the Day of a dispatcher with this config, usually the application's own. A
// config without a Store gets a memstore. Its Clock must be nil. Its Channels are used as
// they are, and really send.
//
// The sends of the adapters are simulated. An adapter of package failover is simulated as
// one provider, so the genuine calls of its providers find no message. Every other channel
// of a route, and every one that package channel names, is simulated as a whole.
func NewDay(t testing.TB, c smsplus.Config, adapters ...channel.Channel) *Day {
	t.Helper()
	mock := clock.NewMock()
	mock.Set(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	day := &Day{t: t, clock: mock}
	if c.Clock != nil {
		day.require(errors.New("Config.Clock must be nil, because a Day has its own"))
	}
	if c.Store == nil {
		c.Store = memstore.New()
	}
	c.Clock, day.store = mock, c.Store
	c.Channels = day.wrapChannels(c, adapters)
	d, err := smsplus.New(c)
	day.require(err)
	day.Dispatcher = d
	for _, s := range day.providers {
		s.Connect(d.Receive) // for receipts before their answer
	}
	day.webhooks = webhook.New(d, webhook.Options{Timeout: time.Minute}) // of the machine's time
	return day
}

// require ends the test with an error, if it is one.
func (day *Day) require(err error) {
	day.t.Helper()
	if err != nil {
		day.t.Fatalf("smsplustest: %v", err)
	}
}

// Now returns the Day's time.
func (day *Day) Now() time.Time { return day.clock.Now().UTC() }

// Clock returns the Day's clock, for the application's other parts.
func (day *Day) Clock() smsplus.Clock { return day.clock }

// Send triggers a message and does what is due: the first step is sent, unless the trigger
// has a SendAt.
func (day *Day) Send(tr smsplus.Trigger) uuid.UUID {
	day.t.Helper()
	id, err := day.Dispatcher.Send(context.Background(), tr)
	day.require(err)
	day.runDue()
	return id
}

// Advance moves the clock and does what is due. Whatever falls due in between, such as a
// receipt, a retry or the end of a wait, happens at its own time. Advance(0) does what is
// due now, for messages that the application sent through the Dispatcher.
func (day *Day) Advance(by time.Duration) {
	day.t.Helper()
	end := day.clock.Now().Add(by)
	day.runDue()
	for next := day.nextDue(); !next.IsZero() && !next.After(end); next = day.nextDue() {
		day.clock.Set(next)
		day.runDue()
	}
	day.clock.Set(end)
	day.runDue()
}

// runDue does what is due now. Receipts come first, because a delivery ends a route.
func (day *Day) runDue() {
	day.t.Helper()
	ctx := context.Background()
	for {
		done := 0
		for _, s := range day.providers {
			n, err := s.Deliver(ctx, day.Dispatcher.Receive)
			day.require(err)
			done += n
		}
		n, err := day.Dispatcher.Tick(ctx)
		day.require(err)
		if done+n == 0 {
			return
		}
	}
}

// nextDue returns the first time after now at which a message or a receipt is due; zero for
// none.
func (day *Day) nextDue() time.Time {
	day.t.Helper()
	var next time.Time
	consider := func(at time.Time) {
		if at.After(day.clock.Now()) && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	for _, s := range day.providers {
		consider(s.Next())
	}
	for f := (smsplus.Filter{Limit: 1000}); ; {
		page, err := day.store.Records(context.Background(), f)
		day.require(err)
		for i := range page.Messages {
			consider(page.Messages[i].DueAt)
		}
		if f.After = page.Next; f.After == "" {
			return next
		}
	}
}

// Message returns a message's record.
func (day *Day) Message(id uuid.UUID) smsplus.Message {
	day.t.Helper()
	m, err := day.Dispatcher.Message(context.Background(), id)
	day.require(err)
	return m
}

// Sent returns all that the channels were given so far, in order.
func (day *Day) Sent() []Sent {
	day.mu.Lock()
	defer day.mu.Unlock()
	return slices.Clone(day.sent)
}

// Script chooses the outcomes of the next attempts on a simulated channel, in order, for any
// recipient. Each attempt keeps its outcome for all tries.
func (day *Day) Script(name channel.Name, outcomes ...simulated.Outcome) {
	day.t.Helper()
	i := slices.IndexFunc(day.providers, func(s *simulated.Channel) bool { return s.Name() == name })
	if i < 0 {
		day.t.Fatalf("smsplustest: channel %q is not simulated", name)
	}
	day.providers[i].Script(outcomes...)
}

// Report hands the Dispatcher a receipt of the message's attempt on the receipt's channel,
// and does what is due. The ProviderID is the attempt's. The receipt's At defaults to now.
func (day *Day) Report(message uuid.UUID, r channel.Receipt) {
	day.t.Helper()
	m := day.Message(message)
	i := slices.IndexFunc(m.Attempts, func(a smsplus.Attempt) bool { return a.Channel == r.Channel })
	if i < 0 {
		day.t.Fatalf("smsplustest: the message has no attempt on channel %q", r.Channel)
	}
	r.ProviderID = cmp.Or(m.Attempts[i].ProviderID, m.Attempts[i].ID.String())
	r.At = cmp.Or(r.At, day.Now())
	day.require(day.Dispatcher.Receive(context.Background(), r))
	day.runDue()
}

// Call serves a provider's call with the webhooks of the adapters, does what is due, and
// returns the answer's status code. The path of a channel is its name, such as
// "/line_notify", or that of the URL that it gives to its provider.
func (day *Day) Call(r *http.Request) (code int) {
	day.t.Helper()
	w := httptest.NewRecorder()
	day.webhooks.ServeHTTP(w, r)
	day.runDue()
	return w.Code
}
