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

func sms(t *testing.T, change ...func(*smsplus.Config)) *world {
	t.Helper()
	return newWorld(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, change...)
}

func TestABadTriggerIsRefusedByItsFieldsBeforeAnythingIsStored(t *testing.T) {
	t.Parallel()
	for field, change := range map[string]func(*smsplus.Trigger){
		"Trigger.Template":                    func(tr *smsplus.Trigger) { tr.Template = "nope" },
		"Trigger.To is required":              func(tr *smsplus.Trigger) { tr.To = channel.Recipient{} },
		`Trigger.Vars: variable "code"`:       func(tr *smsplus.Trigger) { tr.Vars = nil },
		"has no variable of that name":        func(tr *smsplus.Trigger) { tr.Vars["secret"] = "x" },
		"Trigger.TTL is negative":             func(tr *smsplus.Trigger) { tr.TTL = -time.Second },
		"Trigger.Key must be UTF-8":           func(tr *smsplus.Trigger) { tr.Key = "a\x00b" },
		`variable "code" must be UTF-8`:       func(tr *smsplus.Trigger) { tr.Vars["code"] = "\xff" },
		"Trigger.Metadata must be UTF-8":      func(tr *smsplus.Trigger) { tr.Metadata = map[string]string{"a\x00": ""} },
		"Trigger.To.LINEUserID must be UTF-8": func(tr *smsplus.Trigger) { tr.To.LINEUserID = "\x00" },
	} {
		w := sms(t)
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
		require.Empty(t, open(t, w.store))
	}
}

func TestEveryMistakeInATriggerComesAtOnce(t *testing.T) {
	t.Parallel()
	_, err := sms(t).Send(t.Context(), smsplus.Trigger{Template: "t", Vars: map[string]string{"x": "498172"}, TTL: -1})
	for _, part := range []string{"Trigger.To", "Trigger.TTL", `"code"`, "no variable of that name"} {
		require.ErrorContains(t, err, part)
	}
	require.NotContains(t, err.Error(), "498172")
}

func TestPrepareChecksAndDoesNotStore(t *testing.T) {
	t.Parallel()
	w := sms(t)
	m, err := w.Prepare(w.trigger())
	require.NoError(t, err)
	_, err = w.Message(t.Context(), m.ID)
	require.ErrorIs(t, err, smsplus.ErrNotFound)

	_, err = w.store.Insert(t.Context(), []smsplus.Message{m})
	require.NoError(t, err)
	require.Equal(t, 1, w.tick())
	require.Equal(t, status.Delivered, w.message(m.ID).Status)
}

func TestAKeyUsedAgainIsTheFirstMessage(t *testing.T) {
	t.Parallel()
	key := func(tr *smsplus.Trigger) { tr.Key = "order-7" }
	w := sms(t)
	first := w.send(key)
	require.Equal(t, first, w.send(key))
	require.Equal(t, 1, w.sends(channel.SMS))

	for _, change := range []func(*smsplus.Trigger){
		func(tr *smsplus.Trigger) { tr.Vars = map[string]string{"code": "2"} },
		func(tr *smsplus.Trigger) { tr.To.LINEUserID = "U1" },
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

func TestConcurrentSendsWithOneKeyMakeOneMessage(t *testing.T) {
	t.Parallel()
	w := sms(t)
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

func TestSendManyIsAllOrNothing(t *testing.T) {
	t.Parallel()
	keyed := func(w *world, key string) smsplus.Trigger {
		tr := w.trigger()
		tr.Key = key
		return tr
	}
	t.Run("keys", func(t *testing.T) {
		t.Parallel()
		w := sms(t)
		there := w.send(func(tr *smsplus.Trigger) { tr.Key = "b" })
		ids, err := w.SendMany(t.Context(), []smsplus.Trigger{keyed(w, "a"), keyed(w, "b"), w.trigger(), keyed(w, "a"), keyed(w, "b")})
		require.NoError(t, err)
		require.Equal(t, there, ids[1])
		require.Equal(t, there, ids[4])
		require.Equal(t, ids[0], ids[3])
		require.NotEqual(t, ids[0], ids[2])
		require.Equal(t, 2, w.tick())
	})
	t.Run("a key with two contents in one call", func(t *testing.T) {
		t.Parallel()
		w := sms(t)
		other := keyed(w, "a")
		other.Vars = map[string]string{"code": "1"}
		_, err := w.SendMany(t.Context(), []smsplus.Trigger{keyed(w, "a"), other})
		require.ErrorIs(t, err, smsplus.ErrKeyReused)
		require.Empty(t, open(t, w.store))
	})
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		ids, err := sms(t).SendMany(t.Context(), nil)
		require.NoError(t, err)
		require.Empty(t, ids)
	})
}

func TestSendReturnsTheStoresError(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	store := &storetest.Faulty{Store: sms(t).store, Before: func(string) error { return down }}
	w := sms(t, func(c *smsplus.Config) { c.Store = store })
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

func TestAPanickingStoreIsAnError(t *testing.T) {
	t.Parallel()
	w := sms(t, func(c *smsplus.Config) {
		c.Store = &storetest.Faulty{Store: c.Store, Before: func(string) error { panic("+886912345678") }}
	})
	_, err := w.Send(t.Context(), w.trigger())
	require.EqualError(t, err, "smsplus: send: smsplus: store panicked in Insert (string)")
}

func TestCallersMapsAreTheirs(t *testing.T) {
	t.Parallel()
	w := sms(t)
	tr := w.trigger()
	tr.Metadata = map[string]string{"trace": "1"}
	id, err := w.Send(t.Context(), tr)
	require.NoError(t, err)
	tr.Vars["code"], tr.Metadata["trace"] = "2", "2"
	m := w.message(id)
	require.Equal(t, "498172", m.Vars["code"])
	require.Equal(t, "1", m.Metadata["trace"])
}
