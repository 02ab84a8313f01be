package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// testLostAnswers makes each call that changes something and throws its answer away. In
// even rounds the call has taken effect; in odd ones its context had ended before, so that
// it has none. The rule makes the call again, as a caller does that got no answer, and
// requires that the two together did what one does. A call that is cut off in the middle is
// not tried here: a server may still run it while the next one runs.
func testLostAnswers(t *testing.T, s smsplus.Store) {
	for n := range 6 {
		lose := func(call func(ctx context.Context) error) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if n%2 == 1 {
				cancel()
			}
			_ = call(ctx)
		}
		at, until := atMinute(n), atMinute(n+100)
		m := messageWithKey(n, fmt.Sprint("key ", n))
		m.Template = fmt.Sprint(n)

		lose(func(ctx context.Context) error { _, err := s.Insert(ctx, []smsplus.Message{m}); return err })
		again := m
		again.ID = messageID(1_000 + n)
		taken, err := s.Insert(t.Context(), []smsplus.Message{again})
		require.NoError(t, err)
		if len(taken) == 0 {
			m, again = again, m
		}
		requireMessage(t, s, m, "one of two inserts with a key adds its message")
		requireNotFound(t, s, again.ID, "of two inserts with a key, one adds nothing")
		require.Equal(t, 1, totalTriggered(mustStats(t, s, smsplus.Filter{Template: m.Template})), "the message is counted once")

		c := withClaimDefaults(smsplus.Claim{Now: at, Lease: time.Minute, Limit: 1, Holder: 100})
		lose(func(ctx context.Context) error { _, err := s.Claim(ctx, c); return err })
		c.Holder = 200
		claimed := mustClaim(t, s, c).Messages
		m.DueAt, m.Claims, m.Holder, m.Version = at.Add(time.Minute), 1, 100, m.Version+1
		if len(claimed) > 0 {
			m.Holder = 200
		}
		requireMessage(t, s, m, "a message that a lost claim leased is not claimed again, and any other is")

		m.Status, m.Sending = status.Failed, 0
		m.Attempts = sentMessage(n, channel.SMS, fmt.Sprint(n)).Attempts
		lose(func(ctx context.Context) error { _, err := s.Update(ctx, []smsplus.Message{m}); return err })
		_, err = s.Update(t.Context(), []smsplus.Message{m})
		require.NoError(t, err)
		m.Version++
		requireMessage(t, s, m, "of two updates of one version, one takes effect")
		requireMessages(t, []smsplus.Message{m}, mustFindByProviderID(t, s, smsRef(fmt.Sprint(n))), "an update whose answer was lost is found")

		rows := []smsplus.Unreadable{{ID: m.ID, Version: m.Version}}
		lose(func(ctx context.Context) error { return s.SetAside(ctx, rows, until) })
		require.NoError(t, s.SetAside(t.Context(), rows, until))
		m.DueAt, m.Claims, m.Holder, m.Version = until, 0, 0, m.Version+1
		requireMessage(t, s, m, "of two calls of SetAside, one takes effect")

		r := newReceipt(n, smsRef(fmt.Sprint("parked ", n)))
		refs := []channel.Ref{r.Ref()}
		lose(func(ctx context.Context) error { return s.Park(ctx, []channel.Receipt{r}) })
		mustPark(t, s, r)
		requireReceipts(t, s, []channel.Receipt{r}, refs, "a receipt that is parked again is parked once")
		lose(func(ctx context.Context) error { return s.Unpark(ctx, refs) })
		mustUnpark(t, s, refs...)
		requireReceipts(t, s, nil, refs, "a receipt may be dropped again")

		p, h := newPause(n), newHeartbeat(n)
		lose(func(ctx context.Context) error { return s.SetPause(ctx, p) })
		mustPause(t, s, p)
		require.Equal(t, []smsplus.Pause{p}, mustPauses(t, s), "a channel that is paused again is paused once")
		lose(func(ctx context.Context) error { return s.ClearPause(ctx, p) })
		mustClearPause(t, s, p)
		require.Empty(t, mustPauses(t, s), "a pause may be cleared again")
		lose(func(ctx context.Context) error { return s.Beat(ctx, h) })
		mustBeat(t, s, h)
		require.Equal(t, []smsplus.Heartbeat{h}, mustHeartbeats(t, s, h.At), "a heartbeat that is repeated is stored once")
		h.Until = h.At
		mustBeat(t, s, h)

		m.DueAt = time.Time{}
		mustUpdate(t, s, m)
		lose(func(ctx context.Context) error { _, err := s.Purge(ctx, until, 1); return err })
		mustPurge(t, s, until, 1)
		requireNotFound(t, s, m.ID, "a message may be purged again")
		require.Empty(t, mustStats(t, s, smsplus.Filter{}), "a message that was purged again is not counted")
	}
}
