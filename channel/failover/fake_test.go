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

// scriptedProvider is a provider whose answers the test sets.
type scriptedProvider struct {
	name   channel.Name
	traits channel.Traits

	mu     sync.Mutex
	answer func(ctx context.Context, e channel.Envelope) (channel.Result, error)
	asked  int
}

func (f *scriptedProvider) Name() channel.Name     { return f.name }
func (f *scriptedProvider) Traits() channel.Traits { return f.traits }

func (f *scriptedProvider) Send(ctx context.Context, e channel.Envelope) (channel.Result, error) {
	f.mu.Lock()
	f.asked++
	answer := f.answer
	f.mu.Unlock()
	return answer(ctx, e)
}

// answerWith sets the answer of the sends from now on.
func (f *scriptedProvider) answerWith(result channel.Result, err error) *scriptedProvider {
	return f.answerBy(func(context.Context, channel.Envelope) (channel.Result, error) { return result, err })
}

func (f *scriptedProvider) answerBy(answer func(context.Context, channel.Envelope) (channel.Result, error)) *scriptedProvider {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = answer
	return f
}

// takeCount returns how many sends came since the last takeCount.
func (f *scriptedProvider) takeCount() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.asked
	f.asked = 0
	return n
}

// newWorkingProvider returns a provider that takes every message under the ID "1".
func newWorkingProvider(name channel.Name) *scriptedProvider {
	return (&scriptedProvider{name: name, traits: channel.Traits{Machine: status.SMS}}).answerWith(taken, nil)
}

var taken = channel.Result{Status: status.Accepted, ProviderID: "1"}

// openSMS returns a channel called "sms" of the providers.
func openSMS(t *testing.T, providers ...channel.Channel) *failover.Channel {
	t.Helper()
	return openConfig(t, failover.Config{Providers: providers})
}

func openConfig(t *testing.T, c failover.Config) *failover.Channel {
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

// envelope returns the envelope of a new attempt.
func envelope() channel.Envelope {
	return channel.Envelope{
		AttemptID: uuid.New(), To: channel.Recipient{Phone: number},
		Content: channel.Text("Your order has shipped"), Try: 1,
	}
}

// sendN sends n messages, all of which must be accepted.
func sendN(t *testing.T, c channel.Channel, n int) {
	t.Helper()
	for range n {
		_, err := c.Send(t.Context(), envelope())
		require.NoError(t, err)
	}
}

// requireRefusal returns the error of a Send that failed.
func requireRefusal(t *testing.T, err error) *channel.Error {
	t.Helper()
	e, ok := errors.AsType[*channel.Error](err)
	require.True(t, ok, "%v", err)
	return e
}

func requireTemporary(t *testing.T, err error) {
	t.Helper()
	require.Equal(t, status.Preparing, requireRefusal(t, err).Status())
	require.False(t, requireRefusal(t, err).InDoubt())
}

func requireDoubt(t *testing.T, err error) {
	t.Helper()
	require.True(t, requireRefusal(t, err).InDoubt())
}

// advance lets time pass in a bubble.
func advance(d time.Duration) { <-time.After(d) }

// logBuffer is a logger that writes into a string, without the time.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// take returns the text that was written since the last take.
func (l *logBuffer) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.text.Reset()
	return l.text.String()
}

func (l *logBuffer) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}
