package failover_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/failover"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// dispatcher returns a dispatcher that sends by the channel alone, with a clock that the
// test moves.
func dispatcher(t *testing.T, c channel.Channel, inDoubt smsplus.Policy) (*smsplus.Dispatcher, *clock.Mock) {
	t.Helper()
	mock := clock.NewMock()
	return dispatcherFor(t, c, smsplus.Step{InDoubt: inDoubt}, mock), mock
}

// dispatcherFor returns a dispatcher whose only step is a text on the channel.
func dispatcherFor(t *testing.T, c channel.Channel, step smsplus.Step, mock *clock.Mock) *smsplus.Dispatcher {
	t.Helper()
	step.Channel, step.Content = channel.SMS, channel.Text("Your code is 498172")
	d, err := smsplus.New(smsplus.Config{
		Store: memstore.New(), Channels: []channel.Channel{c}, Clock: mock,
		Templates: []smsplus.Template{{ID: "otp", Route: []smsplus.Step{step}}},
	})
	require.NoError(t, err)
	return d
}

func trigger(t *testing.T, d *smsplus.Dispatcher) uuid.UUID {
	t.Helper()
	id, err := d.Send(t.Context(), smsplus.Trigger{Template: "otp", To: channel.Recipient{Phone: number}})
	require.NoError(t, err)
	tick(t, d)
	return id
}

func tick(t *testing.T, d *smsplus.Dispatcher) {
	t.Helper()
	_, err := d.Tick(t.Context())
	require.NoError(t, err)
}

func message(t *testing.T, d *smsplus.Dispatcher, id uuid.UUID) smsplus.Message {
	t.Helper()
	m, err := d.Message(t.Context(), id)
	require.NoError(t, err)
	return m
}

func TestEngine_ReceiptOfLostAnswerFindsAttempt(t *testing.T) {
	t.Parallel()
	primary, backup := newWorkingProvider("one"), newWorkingProvider("two")
	primary.answerBy(func(context.Context, channel.Envelope) (channel.Result, error) {
		return channel.Result{}, channel.InDoubt(errors.New("lost"))
	})
	c := openSMS(t, webhookProvider{primary}, backup)
	d, mock := dispatcher(t, c, smsplus.Resend)
	id := trigger(t, d)
	attempt := message(t, d, id).Attempts[0]
	require.Equal(t, status.InDoubt, attempt.Reason)

	deliver(t, c, d, "/sms/one?id="+attempt.ID.String()) // this provider quotes the attempt
	mock.Add(time.Hour)
	tick(t, d)
	require.Equal(t, status.Delivered, message(t, d, id).Status)
	require.Equal(t, 1, primary.takeCount())
	require.Zero(t, backup.takeCount(), "nobody needs another copy")
}

// Every provider panics at first. No message fails for it.
func TestEngine_PanickingProvidersFailNoMessage(t *testing.T) {
	t.Parallel()
	panics := func(context.Context, channel.Envelope) (channel.Result, error) { panic("oh") }
	primary, backup := newWorkingProvider("one").answerBy(panics), newWorkingProvider("two").answerBy(panics)
	d, mock := dispatcher(t, openSMS(t, primary, backup), smsplus.Forward)
	id := trigger(t, d)
	require.Equal(t, status.Preparing, message(t, d, id).Status)
	backup.answerWith(channel.Result{Status: status.Delivered}, nil)
	mock.Add(time.Hour)
	tick(t, d)
	require.Equal(t, status.Delivered, message(t, d, id).Status)
}

// A provider quotes an attempt that another one took, or may have taken.
func TestEngine_ProviderCannotMarkAnothersAttempt(t *testing.T) {
	t.Parallel()
	quotes := func(_ context.Context, e channel.Envelope) (channel.Result, error) {
		return channel.Result{Status: status.Accepted, ProviderID: e.AttemptID.String()}, nil
	}
	for name, tt := range map[string]struct {
		answer func(context.Context, channel.Envelope) (channel.Result, error)
		before status.Status
	}{
		"taken": {quotes, status.Accepted},
		"in doubt": {func(context.Context, channel.Envelope) (channel.Result, error) {
			return channel.Result{}, channel.InDoubt(errors.New("lost"))
		}, status.Preparing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			primary, backup := newWorkingProvider("one").answerWith(channel.Result{}, errBusy), newWorkingProvider("two").answerBy(tt.answer)
			c := openSMS(t, webhookProvider{primary}, webhookProvider{backup})
			d, _ := dispatcher(t, c, smsplus.Resend)
			id := trigger(t, d)
			attempt := message(t, d, id).Attempts[0].ID.String()
			deliver(t, c, d, "/sms/one?id="+attempt)
			require.Equal(t, tt.before, message(t, d, id).Status)
			deliver(t, c, d, "/sms/two?id="+attempt)
			require.Equal(t, status.Delivered, message(t, d, id).Status)
			require.Equal(t, "two:"+attempt, message(t, d, id).Attempts[0].ProviderID)
		})
	}
}

// The receipts of a provider have the attempt's ID and its own. They find an attempt whatever
// its answer left as the ID, also if they come before the answer.
func TestEngine_ReceiptWithTwoIDsFindsAttempt(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(channel.Envelope) (channel.Result, error){
		"its own ID": func(channel.Envelope) (channel.Result, error) { return taken, nil },
		"the attempt's ID": func(e channel.Envelope) (channel.Result, error) {
			return channel.Result{Status: status.Accepted, ProviderID: e.AttemptID.String()}, nil
		},
		"a lost answer": func(channel.Envelope) (channel.Result, error) {
			return channel.Result{}, channel.InDoubt(errors.New("lost"))
		},
	} {
		for _, early := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, early=%v", name, early), func(t *testing.T) {
				t.Parallel()
				var report func(channel.Envelope)
				primary := newWorkingProvider("one").answerBy(func(_ context.Context, e channel.Envelope) (channel.Result, error) {
					if early {
						report(e)
					}
					return answer(e)
				})
				c := openSMS(t, webhookProvider{primary})
				d, mock := dispatcher(t, c, smsplus.Resend)
				report = func(e channel.Envelope) { deliver(t, c, d, "/sms/one?both="+e.AttemptID.String()+"+1") }
				id := trigger(t, d)
				if !early {
					report(channel.Envelope{AttemptID: message(t, d, id).Attempts[0].ID})
					require.Equal(t, "one:1", message(t, d, id).Attempts[0].ProviderID)
				}
				mock.Add(time.Hour)
				tick(t, d)
				require.Equal(t, status.Delivered, message(t, d, id).Status)
				require.Equal(t, 1, primary.takeCount())
			})
		}
	}
}

func TestEngine_ReceiptsFindTakingProvider(t *testing.T) {
	t.Parallel()
	primary, backup := newWorkingProvider("one").answerWith(channel.Result{}, errBusy), newWorkingProvider("two")
	c := openSMS(t, webhookProvider{primary}, webhookProvider{backup})
	d, _ := dispatcher(t, c, smsplus.Resend)
	id := trigger(t, d)
	require.Equal(t, "two:1", message(t, d, id).Attempts[0].ProviderID)
	deliver(t, c, d, "/sms/one?id=1")
	require.Equal(t, status.Accepted, message(t, d, id).Status, "the other provider's 1 is another message")
	deliver(t, c, d, "/sms/two?id=1")
	require.Equal(t, status.Delivered, message(t, d, id).Status)
}

func TestEngine_ForwardLeavesStepAfterDoubt(t *testing.T) {
	t.Parallel()
	primary, backup := newWorkingProvider("one").answerWith(channel.Result{}, channel.InDoubt(errors.New("lost"))), newWorkingProvider("two")
	primary.traits.Idempotent = true
	d, _ := dispatcher(t, openSMS(t, primary, backup), smsplus.Forward)
	m := message(t, d, trigger(t, d))
	require.Equal(t, status.Undeliverable, m.Status)
	require.Equal(t, status.InDoubt, m.Attempts[0].Reason)
	require.Equal(t, 1, primary.takeCount())
	require.Zero(t, backup.takeCount())
}

func TestEngine_LastingDoubtReachesNextProvider(t *testing.T) {
	t.Parallel()
	primary, backup := newWorkingProvider("one").answerWith(channel.Result{}, channel.InDoubt(errors.New("lost"))), newWorkingProvider("two")
	primary.traits.Idempotent = true
	c := openConfig(t, failover.Config{Providers: []channel.Channel{primary, backup}, Failures: 2})
	d, mock := dispatcher(t, c, smsplus.Resend)
	id := trigger(t, d)
	for range 5 {
		mock.Add(time.Minute)
		tick(t, d)
	}
	m := message(t, d, id)
	require.Equal(t, status.Accepted, m.Status)
	require.Equal(t, "two:1", m.Attempts[0].ProviderID)
	require.Equal(t, 2, primary.takeCount(), "until its breaker opened")
	require.Equal(t, 1, backup.takeCount())
}

// deliver makes a provider's call.
func deliver(t *testing.T, c channel.Receiver, d *smsplus.Dispatcher, url string) {
	t.Helper()
	w := httptest.NewRecorder()
	c.ReceiptHandler(d.Receive).ServeHTTP(w, httptest.NewRequest(http.MethodPost, url, nil))
	require.Equal(t, http.StatusOK, w.Code)
}
