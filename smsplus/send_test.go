package smsplus_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
	"github.com/smsplus/smsplus-go/storetest"
)

func newSMSWorld(t *testing.T, change ...func(*smsplus.Config)) *world {
	t.Helper()
	return newWorld(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, change...)
}

func TestSend_NamesTheWrongFieldAndStoresNothing(t *testing.T) {
	t.Parallel()
	for field, change := range map[string]func(*smsplus.Trigger){
		"Trigger.Template":                    func(tr *smsplus.Trigger) { tr.Template = "nope" },
		"Trigger.To is required":              func(tr *smsplus.Trigger) { tr.To = channel.Recipient{} },
		`Trigger.Vars: variable "code"`:       func(tr *smsplus.Trigger) { tr.Vars = nil },
		`no variable "secret", want ["code"]`: func(tr *smsplus.Trigger) { tr.Vars["secret"] = "x" },
		"Trigger.TTL is negative":             func(tr *smsplus.Trigger) { tr.TTL = -time.Second },
		"Trigger.Key must be UTF-8":           func(tr *smsplus.Trigger) { tr.Key = "a\x00b" },
		`variable "code" must be UTF-8`:       func(tr *smsplus.Trigger) { tr.Vars["code"] = "\xff" },
		"Trigger.Metadata must be UTF-8":      func(tr *smsplus.Trigger) { tr.Metadata = map[string]string{"a\x00": ""} },
		"Trigger.To.IDs: the ID on channel \"sms\" must be UTF-8 without NUL, and 1024 bytes at most (1 bytes)": func(tr *smsplus.Trigger) {
			tr.To.IDs = map[channel.Name]string{channel.SMS: "\x00"}
		},
		"Trigger.To.IDs: the ID on channel \"sms\" must be UTF-8 without NUL, and 1024 bytes at most (1025 bytes)": func(tr *smsplus.Trigger) {
			tr.To.IDs = map[channel.Name]string{channel.SMS: strings.Repeat("x", 1025)}
		},
		"Trigger.To.IDs: no channel \"pigeon\" is registered, want \"sms\"": func(tr *smsplus.Trigger) {
			tr.To.IDs = map[channel.Name]string{"pigeon": "ann@example.com"}
		},
		"Trigger.To is required, and": func(tr *smsplus.Trigger) { tr.To = channel.Recipient{IDs: map[channel.Name]string{channel.SMS: ""}} },
	} {
		w := newSMSWorld(t)
		tr := w.trigger()
		change(&tr)
		_, err := w.Send(t.Context(), tr)
		require.ErrorIs(t, err, smsplus.ErrInvalidTrigger)
		require.ErrorContains(t, err, field)
		_, err = w.Prepare(tr)
		require.ErrorIs(t, err, smsplus.ErrInvalidTrigger)
		_, err = w.SendMany(t.Context(), []smsplus.Trigger{w.trigger(), tr})
		require.ErrorIs(t, err, smsplus.ErrInvalidTrigger)
		require.ErrorContains(t, err, "trigger 1: ")
		require.Empty(t, openMessages(t, w.store))
	}
}

func TestSend_KeepsTheIDsOfItsChannels(t *testing.T) {
	t.Parallel()
	w := newSMSWorld(t)
	ids := map[channel.Name]string{channel.SMS: strings.Repeat("x", 1024)}
	given := map[channel.Name]string{channel.SMS: ids[channel.SMS], "pigeon": ""}
	id := w.send(func(tr *smsplus.Trigger) { tr.To = channel.Recipient{IDs: given} })
	given[channel.SMS] = "changed"
	require.Equal(t, channel.Recipient{IDs: ids}, w.message(id).To, "the caller's map is not kept, and an empty ID is none")
}

func TestSend_NeverNamesAnID(t *testing.T) {
	t.Parallel()
	for _, name := range []channel.Name{channel.SMS, "pigeon", "+886912345678"} {
		w := newSMSWorld(t)
		tr := w.trigger()
		tr.To.IDs = map[channel.Name]string{name: "ann@example.com\x00"}
		_, err := w.Send(t.Context(), tr)
		require.ErrorIs(t, err, smsplus.ErrInvalidTrigger)
		require.NotContains(t, err.Error(), "ann@")
		require.NotContains(t, err.Error(), "912345678")
	}
}

func TestSend_NamesEveryMistakeAtOnce(t *testing.T) {
	t.Parallel()
	_, err := newSMSWorld(t).Send(t.Context(), smsplus.Trigger{Template: "t", Vars: map[string]string{"x": "498172"}, TTL: -1})
	for _, part := range []string{"Trigger.To", "Trigger.TTL", `"code"`, `no variable "x"`} {
		require.ErrorContains(t, err, part)
	}
	require.NotContains(t, err.Error(), "498172")
}

func TestPrepare_ChecksAndDoesNotStore(t *testing.T) {
	t.Parallel()
	w := newSMSWorld(t)
	m, err := w.Prepare(w.trigger())
	require.NoError(t, err)
	_, err = w.Message(t.Context(), m.ID)
	require.ErrorIs(t, err, smsplus.ErrNotFound)

	_, err = w.store.Insert(t.Context(), []smsplus.Message{m})
	require.NoError(t, err)
	require.Equal(t, 1, w.tick())
	require.Equal(t, status.Delivered, w.message(m.ID).Status)
}

func TestKey_UsedAgainIsTheFirstMessage(t *testing.T) {
	t.Parallel()
	key := func(tr *smsplus.Trigger) { tr.Key = "order-7" }
	w := newSMSWorld(t)
	first := w.send(key)
	require.Equal(t, first, w.send(key))
	require.Equal(t, 1, w.sends(channel.SMS))

	for _, change := range []func(*smsplus.Trigger){
		func(tr *smsplus.Trigger) { tr.Vars = map[string]string{"code": "2"} },
		func(tr *smsplus.Trigger) { tr.To.IDs = map[channel.Name]string{channel.SMS: "U1"} },
	} {
		tr := w.trigger()
		key(&tr)
		change(&tr)
		_, err := w.Send(t.Context(), tr)
		require.ErrorIs(t, err, smsplus.ErrKeyReused)
		require.ErrorContains(t, err, first.String())
		_, err = w.SendMany(t.Context(), []smsplus.Trigger{w.trigger(), tr})
		require.ErrorIs(t, err, smsplus.ErrKeyReused)
	}
	page, err := w.store.Records(t.Context(), smsplus.Filter{})
	require.NoError(t, err)
	require.Len(t, page.Messages, 1)
}

func TestKey_OfConcurrentSendsMakesOneMessage(t *testing.T) {
	t.Parallel()
	w := newSMSWorld(t)
	var wg sync.WaitGroup
	ids := make([]uuid.UUID, 64)
	for i := range ids {
		wg.Go(func() {
			tr := w.trigger()
			if i%2 == 0 {
				tr.Key = "order-7"
			}
			var err error
			ids[i], err = w.Send(t.Context(), tr)
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return strings.Compare(a.String(), b.String()) })
	require.Len(t, slices.Compact(ids), 33)
	w.tick()
	require.Equal(t, 33, w.sends(channel.SMS))
}

func TestSend_ReturnsTheStoresError(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	store := &storetest.Faulty{Store: newSMSWorld(t).store, Before: func(string) error { return down }}
	w := newSMSWorld(t, func(c *smsplus.Config) { c.Store = store })
	_, err := w.Send(t.Context(), w.trigger())
	require.ErrorIs(t, err, down)
	_, err = w.SendMany(t.Context(), []smsplus.Trigger{w.trigger()})
	require.ErrorIs(t, err, down)
	_, err = w.Tick(t.Context())
	require.ErrorIs(t, err, down)
	require.ErrorIs(t, w.Receive(t.Context(), channel.Receipt{Channel: "sms", ProviderID: "1", Status: status.Delivered}), down)
	require.ErrorIs(t, w.Cancel(t.Context(), uuid.New()), down)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = w.Send(ctx, w.trigger())
	require.ErrorIs(t, err, context.Canceled)
}

func TestStore_PanicIsAnError(t *testing.T) {
	t.Parallel()
	w := newSMSWorld(t, func(c *smsplus.Config) {
		c.Store = &storetest.Faulty{Store: c.Store, Before: func(string) error { panic("+886912345678") }}
	})
	_, err := w.Send(t.Context(), w.trigger())
	require.ErrorIs(t, err, smsplus.ErrMaybeStored)
	require.ErrorContains(t, err, "store panicked in Insert (string)")
	require.NotContains(t, err.Error(), "912345678")
}

func TestSend_CopiesTheMaps(t *testing.T) {
	t.Parallel()
	w := newSMSWorld(t)
	tr := w.trigger()
	tr.Metadata = map[string]string{"trace": "1"}
	id, err := w.Send(t.Context(), tr)
	require.NoError(t, err)
	tr.Vars["code"], tr.Metadata["trace"] = "2", "2"
	m := w.message(id)
	require.Equal(t, "498172", m.Vars["code"])
	require.Equal(t, "1", m.Metadata["trace"])
}

func TestSend_RefusesATimeThatNoStoreKeeps(t *testing.T) {
	t.Parallel()
	w := newSMSWorld(t)
	last := time.Date(9998, time.December, 31, 0, 0, 0, 0, time.UTC)
	for _, at := range []time.Time{
		last.Add(1), time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(300_000, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Unix(start.UnixMicro(), 0), time.Unix(start.UnixNano(), 0), time.Unix(1<<60, 0), // a unit mixed up
	} {
		tr := w.trigger()
		tr.SendAt = at
		_, err := w.Send(t.Context(), tr)
		require.ErrorIs(t, err, smsplus.ErrInvalidTrigger)
		require.ErrorContains(t, err, "Trigger.SendAt")
		_, err = w.SendMany(t.Context(), []smsplus.Trigger{w.trigger(), tr})
		require.ErrorContains(t, err, "trigger 1: ")
	}
	require.Empty(t, openMessages(t, w.store))

	m := w.message(w.send(func(tr *smsplus.Trigger) { tr.SendAt = last }))
	require.Equal(t, last, m.DueAt)
	m = w.message(w.send(func(tr *smsplus.Trigger) { tr.SendAt, tr.TTL = last, 1<<63-1 }))
	require.Equal(t, last, m.ExpiresAt, "the time to live ends where time does")
	m = w.message(w.send(func(tr *smsplus.Trigger) { tr.SendAt = time.Unix(-1<<60, 0) }))
	require.Equal(t, status.Delivered, m.Status, "a time past means now")
	require.Zero(t, w.advance(200*365*24*time.Hour))
}
