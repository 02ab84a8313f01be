package failover_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/failover"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a provider that answers as it is told.
type fake struct {
	name   channel.Name
	traits channel.Traits

	mu     sync.Mutex
	answer func(ctx context.Context, e channel.Envelope) (channel.Result, error)
	asked  int
}

func (f *fake) Name() channel.Name     { return f.name }
func (f *fake) Traits() channel.Traits { return f.traits }

func (f *fake) Send(ctx context.Context, e channel.Envelope) (channel.Result, error) {
	f.mu.Lock()
	f.asked++
	answer := f.answer
	f.mu.Unlock()
	return answer(ctx, e)
}

// says has the provider answer so from now on.
func (f *fake) says(result channel.Result, err error) *fake {
	return f.does(func(context.Context, channel.Envelope) (channel.Result, error) { return result, err })
}

func (f *fake) does(answer func(context.Context, channel.Envelope) (channel.Result, error)) *fake {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = answer
	return f
}

// count returns how often it was asked since the last count.
func (f *fake) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.asked
	f.asked = 0
	return n
}

// working returns a provider that takes every message under the ID "1".
func working(name channel.Name) *fake {
	return (&fake{name: name, traits: channel.Traits{Machine: status.SMS}}).says(taken, nil)
}

var taken = channel.Result{Status: status.Accepted, ProviderID: "1"}

// open returns a channel called "sms" of the providers.
func open(t *testing.T, providers ...channel.Channel) *failover.Channel {
	t.Helper()
	return with(t, failover.Config{Providers: providers})
}

func with(t *testing.T, c failover.Config) *failover.Channel {
	t.Helper()
	c.Name = channel.SMS
	ch, err := failover.Open(c)
	require.NoError(t, err)
	return ch
}

var number = func() phone.Number {
	n, err := phone.Parse("+886912345678")
	if err != nil {
		panic(err)
	}
	return n
}()

// envelope returns a new attempt's.
func envelope() channel.Envelope {
	return channel.Envelope{
		AttemptID: uuid.New(), To: channel.Recipient{Phone: number},
		Content: channel.Text("Your order has shipped"), Try: 1,
	}
}

// send sends n messages that must all be taken.
func send(t *testing.T, c channel.Channel, n int) {
	t.Helper()
	for range n {
		_, err := c.Send(t.Context(), envelope())
		require.NoError(t, err)
	}
}

// refusal returns what a Send says that did not succeed.
func refusal(t *testing.T, err error) *channel.Error {
	t.Helper()
	e, ok := errors.AsType[*channel.Error](err)
	require.True(t, ok, "%v", err)
	return e
}

func requireTemporary(t *testing.T, err error) {
	t.Helper()
	require.Equal(t, status.Preparing, refusal(t, err).Status())
	require.False(t, refusal(t, err).InDoubt())
}

func requireDoubt(t *testing.T, err error) {
	t.Helper()
	require.True(t, refusal(t, err).InDoubt())
}

// pass lets time pass in a bubble.
func pass(d time.Duration) { <-time.After(d) }

// log is a logger that writes into a string, without the time.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// take returns what was written since the last take.
func (l *log) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.text.Reset()
	return l.text.String()
}

func (l *log) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}
