package pgstore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/pgtest"
	"github.com/smsplus/smsplus-go/pgstore"
	"github.com/smsplus/smsplus-go/seal"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// damages make the message with the ID $1 unreadable. The last one is none: the store lacks
// the message's key.
var damages = map[string]string{
	"cut off":                             "UPDATE %smsplus_state SET body = substr(body, 1, 3) WHERE id = $1",
	"empty":                               "UPDATE %smsplus_message SET fixed = '' WHERE id = $1",
	"from a later release":                "UPDATE %smsplus_state SET body = set_byte(body, 0, 127) WHERE id = $1",
	"of another message":                  "UPDATE %smsplus_message SET fixed = (SELECT fixed FROM %smsplus_message WHERE id <> $1 LIMIT 1) WHERE id = $1",
	"without a status":                    "UPDATE %smsplus_state SET status = 99 WHERE id = $1",
	"without a route":                     "UPDATE %smsplus_message SET route = 17 WHERE id = $1",
	"sealed with a key that is withdrawn": "",
}

func TestUnreadable_StopsNoOtherMessage(t *testing.T) {
	t.Parallel()
	for name, damage := range damages {
		for _, monthly := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, by months %v", name, monthly), func(t *testing.T) {
				t.Parallel()
				requireOthersWork(t, damage, monthly)
			})
		}
	}
}

func requireOthersWork(t *testing.T, damage string, monthly bool) {
	ctx := t.Context()
	pool := pgtest.Pool(t, nil)
	o := pgstore.Options{Schema: pgtest.Schema(t), PartitionByMonth: monthly, Sealer: newRing(t, 1)}
	var ms []smsplus.Message
	for i := range 3 {
		m := fullMessage(i)
		m.DueAt, m.Lane, m.Claims, m.Sending = noon.Add(time.Duration(i)*time.Second), channel.SMS, 0, -1
		ms = append(ms, m)
	}
	bad := ms[0]
	s := openStore(t, pool, o)
	insertAll(t, s, bad)
	if damage == "" {
		o.Sealer = newRingWithdrawn(t)
	} else {
		o.Sealer = newRing(t, 2, 1)
	}
	s = openStore(t, pool, o)
	insertAll(t, s, ms[1:]...)
	if damage != "" {
		execIn(t, pool, o.Schema, damage, bad.ID)
	}

	c, err := s.Claim(ctx, smsplus.Claim{Now: noon.Add(time.Minute), Lease: time.Minute, Limit: 10, Holder: 7, Only: []channel.Name{channel.SMS}})
	require.NoError(t, err)
	require.Equal(t, []uuid.UUID{ms[1].ID, ms[2].ID}, idsOf(c.Messages))
	require.Equal(t, []time.Time{ms[1].DueAt, ms[2].DueAt}, c.Due)
	require.Len(t, c.Unreadable, 1)
	u := c.Unreadable[0]
	require.Equal(t, smsplus.Unreadable{ID: bad.ID, Version: bad.Version + 1, Claims: 1, TriggeredAt: bad.TriggeredAt, Err: u.Err}, u)
	require.Error(t, u.Err)
	for _, secret := range secrets {
		require.NotContains(t, u.Err.Error(), secret)
	}
	again, err := s.Claim(ctx, smsplus.Claim{Now: noon.Add(time.Minute), Lease: time.Minute, Limit: 10, Holder: 8, Only: []channel.Name{channel.SMS}})
	require.NoError(t, err)
	require.Empty(t, again.Unreadable, "it is leased like the others")
	require.NoError(t, s.SetAside(ctx, c.Unreadable, noon.Add(time.Hour)))
	require.NoError(t, s.SetAside(ctx, c.Unreadable, noon.Add(2*time.Hour)), "its version has moved on")
	again, err = s.Claim(ctx, smsplus.Claim{Now: noon.Add(time.Hour), Lease: time.Minute, Limit: 1, Holder: 8, Only: []channel.Name{channel.SMS}})
	require.NoError(t, err)
	require.Len(t, again.Messages, 1)
	again, err = s.Claim(ctx, smsplus.Claim{Now: noon.Add(time.Hour), Lease: time.Minute, Limit: 2, Holder: 8, Only: []channel.Name{channel.SMS}})
	require.NoError(t, err)
	require.Len(t, again.Unreadable, 1)
	require.Equal(t, 1, again.Unreadable[0].Claims, "the claim that could not read it is not counted")

	page, err := s.Records(ctx, smsplus.Filter{Limit: 2})
	require.NoError(t, err)
	require.Equal(t, []uuid.UUID{ms[2].ID, ms[1].ID}, idsOf(page.Messages))
	page, err = s.Records(ctx, smsplus.Filter{Limit: 2, After: page.Next})
	require.NoError(t, err)
	require.Empty(t, page.Messages)
	require.Len(t, page.Unreadable, 1)
	require.Equal(t, bad.ID, page.Unreadable[0].ID)
	require.Empty(t, page.Next)
	page, err = s.Records(ctx, smsplus.Filter{Limit: 3})
	require.NoError(t, err)
	require.Len(t, page.Messages, 2)
	require.Len(t, page.Unreadable, 1)

	_, err = s.Message(ctx, bad.ID)
	require.ErrorIs(t, err, smsplus.ErrUnreadable)
	require.ErrorContains(t, err, bad.ID.String())
	var refs []channel.Ref
	for _, m := range ms {
		refs = append(refs, receiptFor(m).Ref())
	}
	found, err := s.ByProviderID(ctx, refs)
	require.NoError(t, err)
	require.ElementsMatch(t, []uuid.UUID{ms[1].ID, ms[2].ID}, idsOf(found))
	same := fullMessage(9)
	same.Key = bad.Key
	_, err = s.Insert(ctx, []smsplus.Message{same})
	require.ErrorIs(t, err, smsplus.ErrUnreadable, "its key is taken")
	stats, err := s.Stats(ctx, smsplus.Filter{})
	require.NoError(t, err)
	require.Equal(t, 3, stats[0].Triggered)

	execIn(t, pool, o.Schema, "UPDATE %smsplus_state SET due_at = NULL")
	n, err := s.Erase(ctx, bad.To)
	require.ErrorIs(t, err, smsplus.ErrUnreadable)
	require.ErrorContains(t, err, bad.ID.String())
	require.Equal(t, 2, n, "the others are erased")
}

// newRingWithdrawn returns newRing(tb, 2, 1) without the key 1. It still finds what was
// written with that, and cannot open it.
func newRingWithdrawn(tb testing.TB) *seal.Ring {
	tb.Helper()
	r, err := seal.NewRing(seal.Config{
		Keys: []seal.Key{{ID: 2, Secret: keyOf(2, 0)}}, Lookups: []secret.Text{keyOf(2, 1), keyOf(1, 1)},
	})
	require.NoError(tb, err)
	return r
}

func idsOf(ms []smsplus.Message) (ids []uuid.UUID) {
	for _, m := range ms {
		ids = append(ids, m.ID)
	}
	return ids
}

func TestParked_UnreadableReceiptStays(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	pool, o := pgtest.Pool(t, nil), pgstore.Options{Schema: pgtest.Schema(t), Sealer: newRing(t, 1)}
	first := openStore(t, pool, o)
	lost := receiptFor(fullMessage(1))
	require.NoError(t, first.Park(ctx, []channel.Receipt{lost}))
	o.Sealer = newRingWithdrawn(t)
	s := openStore(t, pool, o)
	kept := lost
	kept.Detail = "another"
	require.NoError(t, s.Park(ctx, []channel.Receipt{kept}))

	rs, err := s.Parked(ctx, []channel.Ref{lost.Ref()})
	require.NoError(t, err)
	require.Equal(t, []channel.Receipt{kept}, rs)
	rs, next, err := s.ListParked(ctx, "", 10)
	require.NoError(t, err)
	require.Empty(t, next)
	require.Equal(t, []channel.Receipt{kept}, rs)
	require.NoError(t, s.Unpark(ctx, []channel.Ref{lost.Ref()}))
	rs, err = first.Parked(ctx, []channel.Ref{lost.Ref()})
	require.NoError(t, err)
	require.Equal(t, []channel.Receipt{lost}, rs, "for a store that can read it")
}

// What columns tell of a message that cannot be read is all that is counted of it. They tell the
// reasons. They have a hash of a provider's ID, which another ID may share.
func TestUnreadable_CountsIfColumnsMatch(t *testing.T) {
	t.Parallel()
	for _, monthly := range []bool{false, true} {
		pool, o := pgtest.Pool(t, nil), pgstore.Options{Schema: pgtest.Schema(t), PartitionByMonth: monthly}
		s := openStore(t, pool, o)
		insertAll(t, s, fullMessage(1), fullMessage(2))
		execIn(t, pool, o.Schema, damages["cut off"], fullMessage(1).ID)
		for _, c := range []struct {
			f    smsplus.Filter
			want int
		}{
			{smsplus.Filter{Reason: status.CarrierError}, 2},
			{smsplus.Filter{Reason: status.CarrierError, Channel: channel.SMS}, 2},
			{smsplus.Filter{Reason: status.CarrierError, Phone: fullMessage(1).To.Phone}, 2},
			{smsplus.Filter{Reason: status.Blocked}, 0},
			{smsplus.Filter{ProviderID: fullMessage(1).Attempts[0].ProviderID}, 0},
			{smsplus.Filter{ProviderID: fullMessage(2).Attempts[0].ProviderID}, 1},
		} {
			rows, err := s.Stats(t.Context(), c.f)
			require.NoError(t, err)
			groups, err := s.StatsBy(t.Context(), c.f, smsplus.Grouping{By: smsplus.ByReason})
			require.NoError(t, err)
			if c.want == 0 {
				require.Empty(t, rows, "%+v", c.f)
				require.Empty(t, groups, "%+v", c.f)
				continue
			}
			require.Len(t, groups, 1, "%+v", c.f)
			require.Equal(t, []int{c.want, c.want}, []int{rows[0].Triggered, groups[0].Triggered}, "%+v", c.f)
			require.Equal(t, status.CarrierError, groups[0].Reason)
		}
	}
}
