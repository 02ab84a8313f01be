package smsplus_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/pgtest"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
	"github.com/smsplus/smsplus-go/storetest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		pgtest.Stop()
		os.Exit(code)
	}))
}

// start is when the tests' mock clocks stand at first.
var start = time.Date(2026, 2, 28, 12, 0, 0, 0, time.UTC)

// traitsOf holds the traits that the real channels have.
var traitsOf = map[channel.Name]channel.Traits{
	channel.LINEPush:   {Machine: status.LINEPush, Idempotent: true},
	channel.LINENotify: {Machine: status.LINENotify, UniformWait: true, Validity: 24 * time.Hour},
	channel.WhatsApp:   {Machine: status.WhatsApp, Reads: true, Validity: 30 * 24 * time.Hour},
	channel.SMS:        {Machine: status.SMS, Validity: 48 * time.Hour, Expires: true},
}

// answer is what a fake channel does with an envelope.
type answer func(ctx context.Context, e channel.Envelope) (channel.Result, error)

func says(st status.Status) answer {
	return func(_ context.Context, e channel.Envelope) (channel.Result, error) {
		return channel.Result{Status: st, ProviderID: providerID(e.AttemptID)}, nil
	}
}

func fails(err error) answer {
	return func(context.Context, channel.Envelope) (channel.Result, error) { return channel.Result{}, err }
}

// errCrash is the answer of a channel whose dispatcher dies in the send. From then on the
// store fails the calls of the world's dispatchers, until the test starts them again.
var errCrash = errors.New("the dispatcher is dead")

var crashes = fails(errCrash)

// inTurn answers with each of the answers once, and then always with the last.
func inTurn(answers ...answer) answer {
	var mu sync.Mutex
	i := -1
	return func(ctx context.Context, e channel.Envelope) (channel.Result, error) {
		mu.Lock()
		i = min(i+1, len(answers)-1)
		a := answers[i]
		mu.Unlock()
		return a(ctx, e)
	}
}

func providerID(attempt uuid.UUID) string { return "p-" + attempt.String() }

func fakeChannel(name channel.Name, a answer) *ChannelMock {
	return &ChannelMock{
		NameFunc:   func() channel.Name { return name },
		TraitsFunc: func() channel.Traits { return traitsOf[name] },
		SendFunc:   a,
	}
}

// world is a dispatcher on a mock clock and an in-memory store, and the parts of it that a
// test looks at. Its template "t" has the fakes as steps, in order.
type world struct {
	*smsplus.Dispatcher
	t        *testing.T
	clock    *clock.Mock
	store    smsplus.Store
	channels map[channel.Name]*ChannelMock
	config   smsplus.Config
	crashed  atomic.Bool // the store fails
}

const text = channel.Text("Your code is {{code}}")

type step struct {
	name   channel.Name
	answer answer
	smsplus.Step
}

func newWorld(t *testing.T, steps []step, change ...func(*smsplus.Config)) *world {
	t.Helper()
	w := &world{t: t, clock: clock.NewMock(), channels: map[channel.Name]*ChannelMock{}}
	w.clock.Set(start)
	store := &storetest.Faulty{Store: memstore.New(), Before: func(string) error {
		if w.crashed.Load() {
			return errCrash
		}
		return nil
	}}
	w.config = smsplus.Config{Store: store, Clock: w.clock}
	tpl := smsplus.Template{ID: "t", Scenario: "OTP"}
	for _, s := range steps {
		ch := fakeChannel(s.name, func(ctx context.Context, e channel.Envelope) (channel.Result, error) {
			res, err := s.answer(ctx, e)
			w.crashed.CompareAndSwap(false, errors.Is(err, errCrash))
			return res, err
		})
		w.channels[s.name] = ch
		w.config.Channels = append(w.config.Channels, ch)
		s.Channel, s.Content = s.name, text
		tpl.Route = append(tpl.Route, s.Step)
	}
	w.config.Templates = []smsplus.Template{tpl}
	for _, c := range change {
		c(&w.config)
	}
	w.store = w.config.Store
	d, err := smsplus.New(w.config)
	require.NoError(t, err)
	w.Dispatcher = d
	return w
}

// newDispatcher returns one more dispatcher with the same config.
func (w *world) newDispatcher() *smsplus.Dispatcher {
	w.t.Helper()
	d, err := smsplus.New(w.config)
	require.NoError(w.t, err)
	return d
}

func number(t testing.TB, s string) phone.Number {
	t.Helper()
	n, err := phone.Parse(s)
	require.NoError(t, err)
	return n
}

func (w *world) trigger() smsplus.Trigger {
	return smsplus.Trigger{
		Template: "t", To: channel.Recipient{Phone: number(w.t, "+886912345678")}, Vars: map[string]string{"code": "498172"},
	}
}

// send triggers a message and does what is due at once.
func (w *world) send(change ...func(*smsplus.Trigger)) uuid.UUID {
	w.t.Helper()
	tr := w.trigger()
	for _, c := range change {
		c(&tr)
	}
	id, err := w.Send(w.t.Context(), tr)
	require.NoError(w.t, err)
	w.tick()
	return id
}

func (w *world) tick() int {
	w.t.Helper()
	n, err := w.Tick(w.t.Context())
	require.NoError(w.t, err)
	return n
}

// sendAndCrash triggers a message and lets a dispatcher die in its send.
func (w *world) sendAndCrash() uuid.UUID {
	w.t.Helper()
	id, err := w.Send(w.t.Context(), w.trigger())
	require.NoError(w.t, err)
	w.crash()
	return id
}

// crash does what is due in a dispatcher that dies in the send.
func (w *world) crash() {
	w.t.Helper()
	_, err := w.Tick(w.t.Context())
	require.ErrorIs(w.t, err, errCrash)
	w.restart()
}

// restart replaces a dispatcher that died: the new one knows only what is stored.
func (w *world) restart() {
	w.t.Helper()
	w.crashed.Store(false)
	w.Dispatcher = w.newDispatcher()
}

// advance moves the clock on and does what is due then.
func (w *world) advance(d time.Duration) int {
	w.t.Helper()
	w.clock.Add(d)
	return w.tick()
}

func (w *world) message(id uuid.UUID) smsplus.Message {
	w.t.Helper()
	m, err := w.Message(w.t.Context(), id)
	require.NoError(w.t, err)
	return m
}

// claimAndDie claims the first message that is due, for a dispatcher that is not heard of
// again, and returns the message as that dispatcher holds it.
func (w *world) claimAndDie() smsplus.Message {
	w.t.Helper()
	only := []channel.Name{""}
	for name := range w.channels {
		only = append(only, name)
	}
	c, err := w.store.Claim(w.t.Context(), smsplus.Claim{
		Now: w.clock.Now(), Lease: time.Minute, Limit: 1, Holder: 1, Only: only,
	})
	require.NoError(w.t, err)
	require.Len(w.t, c.Messages, 1)
	return c.Messages[0]
}

func (w *world) sends(name channel.Name) int { return len(w.channels[name].SendCalls()) }

// receipt is one for the message's attempt at a step.
func receipt(m smsplus.Message, step int, st status.Status, change ...func(*channel.Receipt)) channel.Receipt {
	a := m.Attempts[step]
	r := channel.Receipt{Channel: a.Channel, ProviderID: a.ProviderID, Status: st}
	for _, c := range change {
		c(&r)
	}
	return r
}

func (w *world) receive(rs ...channel.Receipt) {
	w.t.Helper()
	require.NoError(w.t, w.Receive(w.t.Context(), rs...))
}

func statuses(m smsplus.Message) string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s:", m.Status)
	for _, a := range m.Attempts {
		fmt.Fprintf(&s, " %s=%s", a.Channel, a.Status)
		if a.Reason != "" {
			fmt.Fprintf(&s, "(%s)", a.Reason)
		}
	}
	return s.String()
}

// openMessages lists the IDs of the messages that have not ended.
func openMessages(t testing.TB, store smsplus.Store) []uuid.UUID {
	t.Helper()
	found := map[uuid.UUID]bool{}
	page, err := store.Records(t.Context(), smsplus.Filter{Limit: 10_000})
	require.NoError(t, err)
	for _, m := range page.Messages {
		if !m.DueAt.IsZero() || !m.Status.Final() {
			found[m.ID] = true
		}
	}
	return slices.Collect(maps.Keys(found))
}
