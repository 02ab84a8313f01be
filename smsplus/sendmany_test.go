package smsplus_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
	"github.com/smsplus/smsplus-go/storetest"
)

func TestSendMany_IsAllOrNothing(t *testing.T) {
	t.Parallel()
	keyed := func(w *world, key string) smsplus.Trigger {
		tr := w.trigger()
		tr.Key = key
		return tr
	}
	t.Run("keys", func(t *testing.T) {
		t.Parallel()
		w := newSMSWorld(t)
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
		w := newSMSWorld(t)
		other := keyed(w, "a")
		other.Vars = map[string]string{"code": "1"}
		_, err := w.SendMany(t.Context(), []smsplus.Trigger{keyed(w, "a"), other})
		require.ErrorIs(t, err, smsplus.ErrKeyReused)
		require.Empty(t, openMessages(t, w.store))
	})
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		ids, err := newSMSWorld(t).SendMany(t.Context(), nil)
		require.NoError(t, err)
		require.Empty(t, ids)
	})
}

func TestSendMany_GoesToTheWorkersAtOnce(t *testing.T) {
	claims := 0
	runInBubble(t, []step{{channel.SMS, says(status.Delivered), smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Store = &storetest.Faulty{Store: c.Store, Before: func(method string) error {
			if method == "Claim" {
				claims++
			}
			return nil
		}}
	}, func(t *testing.T, w *world) {
		before := claims
		trs := []smsplus.Trigger{w.trigger(), w.trigger(), w.trigger()}
		trs[1].SendAt = time.Now().Add(time.Hour)
		trs[2].Key = "order 17"
		ids, err := w.SendMany(t.Context(), trs)
		require.NoError(t, err)
		synctest.Wait()
		require.Equal(t, status.Delivered, w.message(ids[0]).Status)
		require.Equal(t, status.Preparing, w.message(ids[1]).Status)
		require.Equal(t, status.Delivered, w.message(ids[2]).Status)

		again, err := w.SendMany(t.Context(), trs[2:])
		require.NoError(t, err)
		require.Equal(t, ids[2:], again)
		_, err = w.SendMany(t.Context(), []smsplus.Trigger{w.trigger(), {Template: "t", To: trs[2].To, Key: trs[2].Key, Vars: map[string]string{"code": "1"}}})
		require.ErrorIs(t, err, smsplus.ErrKeyReused)
		synctest.Wait()
		require.Equal(t, 2, w.sends(channel.SMS), "all or nothing")
		require.LessOrEqual(t, claims-before, 2, "one for what comes later, and one for the room that the sends left")
	})
}

// A caller that sends more than a fast lane completes waits a little, so that the messages
// do not pile up in the store.
func TestSendMany_KeepsPaceWithAFastLane(t *testing.T) {
	const workers, each = 64, 500
	var claimed atomic.Int64
	runInBubble(t, []step{{channel.SMS, func(context.Context, channel.Envelope) (channel.Result, error) {
		<-time.After(5 * time.Millisecond)
		return channel.Result{Status: status.Delivered}, nil
	}, smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Limits = map[channel.Name]smsplus.Limit{channel.SMS: {Concurrency: workers}}
		c.Store = storeCountingClaims{c.Store, &claimed}
	}, func(t *testing.T, w *world) {
		send := func(n int) {
			trs := make([]smsplus.Trigger, n)
			for i := range trs {
				trs[i] = w.trigger()
			}
			_, err := w.SendMany(t.Context(), trs)
			require.NoError(t, err)
		}
		const first = 6000
		send(first)
		sleep(300 * time.Millisecond)
		for range 30 {
			send(each)
		}
		sleep(time.Minute)
		require.Equal(t, first+30*each, w.sends(channel.SMS))
		require.Less(t, claimed.Load(), int64(first+30*each/10))
	})
}

// storeCountingClaims counts the claimed messages.
type storeCountingClaims struct {
	smsplus.Store
	n *atomic.Int64
}

func (s storeCountingClaims) Claim(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
	claimed, err := s.Store.Claim(ctx, c)
	s.n.Add(int64(len(claimed.Messages)))
	return claimed, err
}
