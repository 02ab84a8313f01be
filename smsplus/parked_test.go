package smsplus_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
	"github.com/smsplus/smsplus-go/storetest"
)

func TestParked_ReceiptBeforeTheAnswerIsApplied(t *testing.T) {
	t.Parallel()
	var w *world
	w = newWorld(t, []step{{channel.SMS, func(ctx context.Context, e channel.Envelope) (channel.Result, error) {
		early := channel.Receipt{Channel: channel.SMS, ProviderID: providerID(e.AttemptID), Status: status.Delivered}
		return channel.Result{Status: status.Accepted, ProviderID: early.ProviderID}, w.Receive(ctx, early, early)
	}, smsplus.Step{}}})
	m := w.message(w.send())
	require.Equal(t, "delivered: sms=delivered", statuses(m))
	left, err := w.store.Parked(t.Context(), []channel.Ref{{Channel: channel.SMS, ProviderID: m.Attempts[0].ProviderID}})
	require.NoError(t, err)
	require.Empty(t, left)
}

// A receipt with two IDs is parked under both. The answer brings one of them, and nothing is
// left under the other.
func TestParked_UnderTwoIDsLeavesNone(t *testing.T) {
	t.Parallel()
	var w *world
	w = newWorld(t, []step{{channel.SMS, func(ctx context.Context, e channel.Envelope) (channel.Result, error) {
		for _, st := range []status.Status{status.Accepted, status.Delivered} {
			early := channel.Receipt{Channel: channel.SMS, ProviderID: e.AttemptID.String(), NewID: "p-1", Status: st}
			if err := w.Receive(ctx, early); err != nil {
				return channel.Result{}, err
			}
		}
		return channel.Result{Status: status.Accepted, ProviderID: "p-1"}, nil
	}, smsplus.Step{}}})
	m := w.message(w.send())
	require.Equal(t, "delivered: sms=delivered", statuses(m))
	left, _, err := w.store.ListParked(t.Context(), "", 100)
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestParked_IsFoundBeforeTheMessageMovesOn(t *testing.T) {
	t.Parallel()
	// The receipt was parked, the answer was stored, and then the dispatcher died.
	w := newWorld(t, []step{
		{channel.LINENotify, says(status.Accepted), smsplus.Step{Wait: wait}},
		{channel.SMS, says(status.Delivered), smsplus.Step{}},
	})
	id := w.send()
	r := receipt(w.message(id), 0, status.Delivered, func(r *channel.Receipt) { r.At = start.Add(time.Minute) })
	require.NoError(t, w.store.Park(t.Context(), []channel.Receipt{r}))
	w.advance(wait)
	require.Equal(t, "delivered: line_notify=delivered", statuses(w.message(id)))
	require.Equal(t, r.At, w.message(id).DeliveredAt)
	require.Zero(t, w.sends(channel.SMS))
	left, err := w.store.Parked(t.Context(), []channel.Ref{r.Ref()})
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestParked_IsNotDroppedWithAStaleCopy(t *testing.T) {
	t.Parallel()
	// The parked receipt is taken into the claimed copy, which another receipt then
	// overtakes.
	w := newWorld(t, []step{
		{channel.WhatsApp, says(status.Accepted), smsplus.Step{Wait: wait}},
		{channel.SMS, says(status.Accepted), smsplus.Step{Wait: wait}},
		{"letter", says(status.Delivered), smsplus.Step{}},
	})
	id := w.send()
	w.advance(wait)
	m := w.message(id)
	parked := receipt(m, 1, status.Undeliverable, func(r *channel.Receipt) { r.Reason, r.At = status.CarrierError, w.clock.Now() })
	require.NoError(t, w.store.Park(t.Context(), []channel.Receipt{parked}))
	w.config.Store = &storeWithClaimHook{Store: w.store, afterClaim: func() {
		w.receive(receipt(m, 0, status.Undeliverable))
	}}
	w.clock.Add(wait)
	d := w.newDispatcher()
	_, err := d.Tick(t.Context())
	require.NoError(t, err)
	left, err := w.store.Parked(t.Context(), []channel.Ref{parked.Ref()})
	require.NoError(t, err)
	if len(left) == 0 {
		require.Equal(t, status.CarrierError, w.message(id).Attempts[1].Reason, "dropped before it was stored")
	}
}

func TestParked_IsAppliedWhenItsIDIsStoredMeanwhile(t *testing.T) {
	t.Parallel()
	// The provider's ID is stored after Receive looked for it, and before Receive parks. The
	// dispatcher that stored it has found nothing parked.
	var w *world
	var early channel.Receipt
	armed := false
	w = newWorld(t, []step{{channel.SMS, func(_ context.Context, e channel.Envelope) (channel.Result, error) {
		early = channel.Receipt{Channel: channel.SMS, ProviderID: providerID(e.AttemptID), Status: status.Delivered}
		return channel.Result{Status: status.Accepted, ProviderID: early.ProviderID}, nil
	}, smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Store = &storetest.Faulty{Store: c.Store, Before: func(method string) error {
			if armed && method == "Park" {
				armed = false
				w.tick()
			}
			return nil
		}}
	})
	id, err := w.Send(t.Context(), w.trigger())
	require.NoError(t, err)
	early = channel.Receipt{Channel: channel.SMS, ProviderID: providerID(smsplus.AttemptID(id, 0)), Status: status.Delivered}
	armed = true
	w.receive(early)
	require.Equal(t, "delivered: sms=delivered", statuses(w.message(id)))
	left, err := w.store.Parked(t.Context(), []channel.Ref{early.Ref()})
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestParked_IsNotDroppedByAnotherReceive(t *testing.T) {
	t.Parallel()
	var w *world
	var hook func(method string)
	w = newWorld(t, []step{{channel.SMS, says(status.Accepted), smsplus.Step{Wait: wait}}, {"letter", says(status.Delivered), smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Batch = 1 // two updates at once
		c.Store = &storetest.Faulty{Store: c.Store, After: func(m string) error {
			if hook != nil {
				hook(m)
			}
			return nil
		}}
	})
	id, err := w.Send(t.Context(), w.trigger())
	require.NoError(t, err)
	ref := providerID(smsplus.AttemptID(id, 0))
	r1 := channel.Receipt{Channel: channel.SMS, ProviderID: ref, Status: status.Accepted, At: start}
	r2 := channel.Receipt{Channel: channel.SMS, ProviderID: ref, Status: status.Delivered, At: start}
	// Receive(r1) parks. Then Receive(r2) runs as a whole, and parks too. Then the send's
	// outcome is stored. Receive(r1) continues before the dispatcher looks at what is parked.
	parks, updates := 0, 0
	both, goOn, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	hook = func(m string) {
		switch {
		case m == "Park" && parks == 0:
			parks++
			if err := w.Receive(t.Context(), r2); err != nil {
				t.Error(err)
			}
			close(both)
			<-goOn
		case m == "Update" && updates == 0:
			updates++
			close(goOn)
			<-done
		}
	}
	go func() {
		defer close(done)
		if err := w.Receive(t.Context(), r1); err != nil {
			t.Error(err)
		}
	}()
	<-both
	w.tick()
	require.Equal(t, "delivered: sms=delivered", statuses(w.message(id)))
}

func TestParked_IsFoundUnderAnIDStoredAsTheMessageEnds(t *testing.T) {
	t.Parallel()
	var w *world
	var hook func(method string)
	w = newWorld(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Store = &storetest.Faulty{Store: c.Store, After: func(m string) error {
			if hook != nil {
				hook(m)
			}
			return nil
		}}
	})
	tr := w.trigger()
	tr.TTL = 30 * time.Second
	id, err := w.Send(t.Context(), tr)
	require.NoError(t, err)
	w.claimAndDie()
	r := channel.Receipt{Channel: channel.SMS, ProviderID: smsplus.AttemptID(id, 0).String(), Status: status.Delivered, At: start}
	hook = func(m string) {
		if m == "Parked" {
			hook = nil
			w.receive(r) // right after the look at what is parked
		}
	}
	w.advance(time.Minute)
	w.advance(100 * time.Hour)
	require.Equal(t, "delivered: sms=delivered", statuses(w.message(id)))
}

func TestParked_SettlesADoubtAfterAFailedLook(t *testing.T) {
	t.Parallel()
	var w *world
	fail := false
	w = newWorld(t, []step{{channel.SMS, fails(channel.InDoubt(errors.New("no answer"))), smsplus.Step{InDoubt: smsplus.Forward}}}, func(c *smsplus.Config) {
		c.Store = &storetest.Faulty{Store: c.Store, Before: func(m string) error {
			if m == "Parked" && fail {
				fail = false
				return errors.New("down")
			}
			return nil
		}}
	})
	id, err := w.Send(t.Context(), w.trigger())
	require.NoError(t, err)
	w.receive(channel.Receipt{Channel: channel.SMS, ProviderID: smsplus.AttemptID(id, 0).String(), Status: status.Delivered, At: start})
	fail = true
	w.tick()
	w.advance(100 * time.Hour)
	require.Equal(t, "delivered: sms=delivered", statuses(w.message(id)))
}

func TestParked_DeliveryStopsARetryOfALaterStep(t *testing.T) {
	w := newWorld(t, []step{
		{channel.WhatsApp, says(status.Accepted), smsplus.Step{Wait: wait}},
		{channel.SMS, inTurn(fails(errors.New("503")), says(status.Accepted)), smsplus.Step{}},
	})
	id := w.send()
	w.advance(wait)
	m := w.message(id)
	require.Equal(t, "preparing: whatsapp=accepted sms=preparing(system_error)", statuses(m))
	// The receipt was parked, and the dispatcher died before its look.
	require.NoError(t, w.store.Park(t.Context(), []channel.Receipt{
		receipt(m, 0, status.Delivered, func(r *channel.Receipt) { r.At = w.clock.Now() }),
	}))
	w.advance(time.Minute)
	require.Equal(t, 1, w.sends(channel.SMS), statuses(w.message(id)))
	require.True(t, w.message(id).DueAt.IsZero())
}

func TestParked_DeliveryStopsTheThirdStep(t *testing.T) {
	w := newWorld(t, []step{
		{channel.WhatsApp, says(status.Accepted), smsplus.Step{Wait: wait}},
		{channel.SMS, says(status.Accepted), smsplus.Step{Wait: wait}},
		{"letter", says(status.Accepted), smsplus.Step{}},
	})
	id := w.send()
	w.advance(wait)
	require.NoError(t, w.store.Park(t.Context(), []channel.Receipt{
		receipt(w.message(id), 0, status.Delivered, func(r *channel.Receipt) { r.At = w.clock.Now() }),
	}))
	w.advance(wait)
	require.Zero(t, w.sends("letter"), statuses(w.message(id)))
	require.True(t, w.message(id).DueAt.IsZero())
}

func TestParked_IsNotPassedOverWhileTheLookFails(t *testing.T) {
	var failing atomic.Int64
	runInBubble(t, []step{
		{channel.LINENotify, says(status.Accepted), smsplus.Step{Wait: time.Hour}},
		{channel.SMS, says(status.Delivered), smsplus.Step{}},
	}, func(c *smsplus.Config) {
		c.Store = &storetest.Faulty{Store: c.Store, Before: func(method string) error {
			if method == "Parked" && failing.Add(-1) >= 0 {
				return errors.New("a hiccup")
			}
			return nil
		}}
	}, func(t *testing.T, w *world) {
		id := w.sendOnly(t)
		synctest.Wait()
		require.NoError(t, w.store.Park(t.Context(), []channel.Receipt{
			receipt(w.message(id), 0, status.Delivered, func(r *channel.Receipt) { r.At = time.Now() }),
		}))
		failing.Store(3)
		sleep(time.Hour + time.Minute)
		require.Equal(t, "delivered: line_notify=delivered", statuses(w.message(id)))
		require.Zero(t, w.sends(channel.SMS))
	})
}

// The intent to send the next step stores the name of an attempt in doubt. A receipt that
// is parked between the look and the intent counts before the send.
func TestParked_IsFoundByTheIntentThatStoresItsName(t *testing.T) {
	t.Parallel()
	var duringIntent func()
	w := newWorld(t, []step{
		{channel.SMS, crashes, smsplus.Step{}},
		{channel.WhatsApp, says(status.Accepted), smsplus.Step{}},
	}, beforeOnce("Update", &duringIntent))
	id := w.sendAndCrash()
	about := channel.Receipt{Channel: channel.SMS, ProviderID: smsplus.AttemptID(id, 0).String(), Status: status.Undeliverable}
	w.receive(about)
	duringIntent = func() {
		about.Status = status.Delivered
		w.receive(about)
	}
	w.advance(2 * time.Minute)
	require.Nil(t, duringIntent)
	require.Equal(t, "delivered: sms=delivered", statuses(w.message(id)))
	require.Zero(t, w.sends(channel.WhatsApp))
}

// parkedUnder returns the receipts that are parked under an ID.
func (w *world) parkedUnder(id string) []channel.Receipt {
	w.t.Helper()
	rs, err := w.store.Parked(w.t.Context(), []channel.Ref{{Channel: channel.SMS, ProviderID: id}})
	require.NoError(w.t, err)
	return rs
}

// A provider that repeats a receipt without a time says nothing new.
func TestParked_RepeatedReceiptIsParkedOnce(t *testing.T) {
	t.Parallel()
	w := newSMSWorld(t)
	r := channel.Receipt{Channel: channel.SMS, ProviderID: "1", Status: status.Delivered}
	w.receive(r, r)
	for range 10 {
		w.clock.Add(time.Minute)
		w.receive(r)
	}
	r.At = start
	require.Equal(t, []channel.Receipt{r}, w.parkedUnder("1"))
}

func TestParked_EarlierReceiptIsParkedToo(t *testing.T) {
	t.Parallel()
	w := newSMSWorld(t)
	r := channel.Receipt{Channel: channel.SMS, ProviderID: "1", Status: status.Delivered, At: start}
	w.receive(r)
	r.At = start.Add(-time.Second)
	w.receive(r)
	require.Len(t, w.parkedUnder("1"), 2)
}

// The look before it only keeps repeats out. A receipt is not refused because that look fails.
func TestParked_NeedsNoLookAtWhatIsParked(t *testing.T) {
	t.Parallel()
	var w *world
	fail := true
	w = newWorld(t, []step{{channel.SMS, func(ctx context.Context, e channel.Envelope) (channel.Result, error) {
		early := channel.Receipt{Channel: channel.SMS, ProviderID: providerID(e.AttemptID), Status: status.Delivered}
		return channel.Result{Status: status.Accepted, ProviderID: early.ProviderID}, w.Receive(ctx, early)
	}, smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Store = &storetest.Faulty{Store: c.Store, Before: func(m string) error {
			if m == "Parked" && fail {
				fail = false
				return errors.New("blip")
			}
			return nil
		}}
	})
	id := w.send()
	require.False(t, fail)
	require.Equal(t, "delivered: sms=delivered", statuses(w.message(id)))
}

// However many receipts come under an ID, few are parked, and each status among them.
func TestParked_IsBoundedForEachID(t *testing.T) {
	t.Parallel()
	var seen recordingObserver
	id := uuid.Must(uuid.NewV7())
	attempt := smsplus.AttemptID(id, 0)
	w := newWorld(t, []step{{channel.SMS, says(status.Accepted), smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Observer, c.NewID = &seen, func() uuid.UUID { return id }
	})
	name := providerID(attempt)
	for i := range 100 { // each is earlier than the one before
		r := channel.Receipt{Channel: channel.SMS, ProviderID: name, Status: status.Accepted, At: start.Add(-time.Duration(i) * time.Second)}
		w.receive(r)
	}
	require.Len(t, w.parkedUnder(name), 16)
	ignored := 0
	for _, e := range seen.list() {
		if i, ok := e.(smsplus.ReceiptIgnored); ok {
			require.Equal(t, smsplus.ReceiptIgnored{
				Ref: channel.Ref{Channel: channel.SMS, ProviderID: name}, Status: status.Accepted, Why: "too many receipts are parked under its ID",
			}, i)
			ignored++
		}
	}
	require.Equal(t, 84, ignored)
	for range 3 {
		for _, s := range []status.Status{status.Failed, status.Undeliverable, status.Delivered} {
			w.receive(channel.Receipt{Channel: channel.SMS, ProviderID: name, Status: s})
		}
	}
	require.Len(t, w.parkedUnder(name), 19)
	w.send()
	require.Equal(t, "delivered: sms=delivered", statuses(w.message(id)))
	require.Empty(t, w.parkedUnder(name))
}

// An ID that is longer than stores keep, or that they cannot keep, finds its message.
func TestReceive_FindsMessageOfAnyID(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("1", 500)
	for name, id := range map[string]string{
		"as long as can be": long, "too long": long + "1", "very long": strings.Repeat(long, 1000), "wide": strings.Repeat("碼", 200),
		"NUL": "a\x00b", "no UTF-8": "\xff", "no UTF-8, and too long": strings.Repeat("\xff", 600),
	} {
		w := newWorld(t, []step{{channel.SMS, func(context.Context, channel.Envelope) (channel.Result, error) {
			return channel.Result{Status: status.Accepted, ProviderID: id}, nil
		}, smsplus.Step{}}})
		m := w.message(w.send())
		kept := m.Attempts[0].ProviderID
		require.LessOrEqual(t, len(kept), 500, name)
		require.True(t, utf8.ValidString(kept) && !strings.Contains(kept, "\x00"), name)
		w.receive(
			channel.Receipt{Channel: channel.SMS, ProviderID: id + "1", Status: status.Undeliverable},
			channel.Receipt{Channel: channel.SMS, ProviderID: "1" + id, Status: status.Undeliverable},
		)
		require.Equal(t, status.Accepted, w.message(m.ID).Status, name)
		w.receive(channel.Receipt{Channel: channel.SMS, ProviderID: id, Status: status.Delivered})
		require.Equal(t, status.Delivered, w.message(m.ID).Status, name)
	}
}

func TestReceive_NewIDIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []step{{channel.SMS, fails(channel.InDoubt(errors.New("no answer"))), smsplus.Step{InDoubt: smsplus.Forward}}})
	id := w.send()
	name := strings.Repeat("\x00", 1000)
	w.receive(channel.Receipt{Channel: channel.SMS, ProviderID: smsplus.AttemptID(id, 0).String(), NewID: name, Status: status.Accepted})
	require.LessOrEqual(t, len(w.message(id).Attempts[0].ProviderID), 500)
	w.receive(channel.Receipt{Channel: channel.SMS, ProviderID: name, Status: status.Delivered})
	require.Equal(t, status.Delivered, w.message(id).Status)
}

// beforeOnce runs a func before the next call of a store's method, and then clears it.
func beforeOnce(method string, f *func()) func(*smsplus.Config) {
	return func(c *smsplus.Config) {
		c.Store = &storetest.Faulty{Store: c.Store, Before: func(m string) error {
			if run := *f; run != nil && m == method {
				*f = nil
				run()
			}
			return nil
		}}
	}
}
