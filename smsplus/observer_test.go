package smsplus_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
	"github.com/smsplus/smsplus-go/storetest"
)

// recordingObserver records the events.
type recordingObserver struct {
	mu   sync.Mutex
	seen []smsplus.Event
}

func (e *recordingObserver) Observe(_ context.Context, ev smsplus.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seen = append(e.seen, ev)
}

func (e *recordingObserver) list() []smsplus.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]smsplus.Event(nil), e.seen...)
}

func TestObserver_SeesAMessagesLife(t *testing.T) {
	t.Parallel()
	var seen recordingObserver
	w := newWorld(t, []step{
		{channel.LINENotify, says(status.Accepted), smsplus.Step{Wait: 24 * time.Hour}},
		{channel.SMS, inTurn(fails(errors.New("down")), says(status.Accepted)), smsplus.Step{}},
	}, func(c *smsplus.Config) { c.Observer = &seen })
	id := w.send()
	w.advance(24 * time.Hour)
	retryAt := w.message(id).DueAt
	w.advance(time.Minute)
	m := w.message(id)
	w.receive(receipt(m, 1, status.Delivered))
	w.receive(receipt(m, 0, status.Delivered))
	w.receive(receipt(m, 0, status.Delivered)) // says nothing new
	w.receive(receipt(m, 0, status.Preparing)) // nor does this
	w.receive(channel.Receipt{Channel: channel.SMS, ProviderID: "unknown", Status: status.Accepted})

	a, day := m.Attempts, 24*time.Hour
	require.Equal(t, []smsplus.Event{
		smsplus.Triggered{id, "t", "OTP", channel.LINENotify},
		smsplus.Lag{1, 0},
		smsplus.AttemptStarted{id, a[0].ID, "t", channel.LINENotify, 1},
		smsplus.AttemptChanged{id, a[0].ID, "t", channel.LINENotify, status.Preparing, status.Accepted, "", 0},
		smsplus.Lag{1, 0},
		smsplus.Forwarded{id, "t", channel.LINENotify, channel.SMS, ""},
		smsplus.AttemptStarted{id, a[1].ID, "t", channel.SMS, 1},
		smsplus.Lag{1, w.clock.Now().Sub(retryAt)},
		smsplus.AttemptStarted{id, a[1].ID, "t", channel.SMS, 2},
		smsplus.AttemptChanged{id, a[1].ID, "t", channel.SMS, status.Preparing, status.Accepted, "", time.Minute},
		smsplus.AttemptChanged{id, a[1].ID, "t", channel.SMS, status.Accepted, status.Delivered, "", time.Minute},
		smsplus.Ended{id, "t", "OTP", channel.SMS, status.Delivered, "", day + time.Minute},
		smsplus.AttemptChanged{id, a[0].ID, "t", channel.LINENotify, status.Accepted, status.Delivered, "", day + time.Minute},
		smsplus.ReceiptLate{id, "t", channel.LINENotify, true},
		smsplus.ReceiptParked{channel.Ref{Channel: channel.SMS, ProviderID: "unknown"}},
	}, seen.list())
}

func TestObserver_SeesIgnoredReceipts(t *testing.T) {
	t.Parallel()
	var seen recordingObserver
	w := newWorld(t, []step{{channel.LINEPush, func(context.Context, channel.Envelope) (channel.Result, error) {
		return channel.Result{Status: status.Delivered, ProviderID: "p"}, nil
	}, smsplus.Step{}}}, func(c *smsplus.Config) { c.Observer = &seen })
	m := w.message(w.send())
	w.receive(receipt(m, 0, status.Accepted))
	ref := channel.Ref{Channel: channel.LINEPush, ProviderID: "p"}
	require.Contains(t, seen.list(), smsplus.ReceiptIgnored{ref, status.Accepted, "the channel has no such status"})
}

// panickingObserver panics on the events that it is asked to.
type panickingObserver func(smsplus.Event) bool

func (panics panickingObserver) Observe(_ context.Context, e smsplus.Event) {
	if panics(e) {
		panic("observer")
	}
}

func onTriggered(e smsplus.Event) bool { _, ok := e.(smsplus.Triggered); return ok }

func onStoreFailed(e smsplus.Event) bool { _, ok := e.(smsplus.StoreFailed); return ok }

func TestObserver_MayPanicWithoutBlockingTheDrain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newSMSWorld(t, func(c *smsplus.Config) { c.Clock, c.NewID, c.Observer = nil, uuid.New, panickingObserver(onTriggered) })
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan error, 1)
		go func() { ran <- w.Run(ctx) }()
		synctest.Wait()
		func() {
			defer func() { _ = recover() }() // as net/http does
			_, _ = w.Send(t.Context(), w.trigger())
		}()
		cancel()
		require.NoError(t, <-ran)
	})
}

func TestObserver_MayPanicWithoutStoppingTheGroupCommit(t *testing.T) {
	t.Parallel()
	down := true
	w := newSMSWorld(t, func(c *smsplus.Config) {
		c.Observer = panickingObserver(onStoreFailed)
		c.Store = &storetest.Faulty{Store: c.Store, Before: func(string) error {
			if down {
				return errors.New("down")
			}
			return nil
		}}
	})
	for range 2 {
		func() {
			defer func() { _ = recover() }()
			_, _ = w.Send(t.Context(), w.trigger())
		}()
	}
	down = false
	done := make(chan error, 1)
	go func() { _, err := w.Send(t.Context(), w.trigger()); done <- err }()
	select {
	case err := <-done:
		require.NoError(t, err)
	case <-time.After(2 * time.Second):
		t.Fatal("Send hangs for ever")
	}
}
