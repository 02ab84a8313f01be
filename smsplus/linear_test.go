package smsplus_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// storeCountingItems counts the calls to a store and the items in them.
type storeCountingItems struct {
	smsplus.Store
	calls, items atomic.Int64
}

func (s *storeCountingItems) count(items int) {
	s.calls.Add(1)
	s.items.Add(int64(items))
}

// take returns the counts and begins again.
func (s *storeCountingItems) take() (calls, items int) {
	return int(s.calls.Swap(0)), int(s.items.Swap(0))
}

func (s *storeCountingItems) Insert(ctx context.Context, ms []smsplus.Message) (map[string]smsplus.Message, error) {
	taken, err := s.Store.Insert(ctx, ms)
	s.count(len(ms) + len(taken))
	return taken, err
}

func (s *storeCountingItems) Update(ctx context.Context, ms []smsplus.Message) ([]uuid.UUID, error) {
	s.count(len(ms))
	return s.Store.Update(ctx, ms)
}

func (s *storeCountingItems) Message(ctx context.Context, id uuid.UUID) (smsplus.Message, error) {
	s.count(1)
	return s.Store.Message(ctx, id)
}

func (s *storeCountingItems) ByProviderID(ctx context.Context, refs []channel.Ref) ([]smsplus.Message, error) {
	ms, err := s.Store.ByProviderID(ctx, refs)
	s.count(len(refs) + len(ms))
	return ms, err
}

func (s *storeCountingItems) Park(ctx context.Context, rs []channel.Receipt) error {
	s.count(len(rs))
	return s.Store.Park(ctx, rs)
}

func (s *storeCountingItems) Parked(ctx context.Context, refs []channel.Ref) ([]channel.Receipt, error) {
	s.count(len(refs))
	return s.Store.Parked(ctx, refs)
}

func newCountingWorld(t *testing.T) (*world, *storeCountingItems) {
	t.Helper()
	store := &storeCountingItems{}
	w := newWorld(t, []step{{channel.SMS, says(status.Accepted), smsplus.Step{}}}, func(c *smsplus.Config) {
		store.Store, c.Store = c.Store, store
	})
	return w, store
}

func (w *world) keyedTriggers(n int) []smsplus.Trigger {
	trs := make([]smsplus.Trigger, n)
	for i := range trs {
		trs[i] = w.trigger()
		trs[i].Key = fmt.Sprintf("order-%06d", i)
	}
	return trs
}

func TestSendMany_IsLinearWhenItIsRepeated(t *testing.T) {
	t.Parallel()
	for _, n := range []int{100, 1000, 10_000} {
		w, store := newCountingWorld(t)
		trs := w.keyedTriggers(n)
		first, err := w.SendMany(t.Context(), trs)
		require.NoError(t, err)
		calls, items := store.take()
		require.Equal(t, []int{1, n}, []int{calls, items})

		again, err := w.SendMany(t.Context(), trs)
		require.NoError(t, err)
		require.Equal(t, first, again)
		calls, items = store.take()
		require.Equal(t, []int{1, 2 * n}, []int{calls, items}, "one call, and an answer for each key")

		// Half of the keys are new: they take one more call.
		more := append(w.keyedTriggers(n), w.keyedTriggers(n)...)
		for i := range more[n:] {
			more[n+i].Key += "-new"
		}
		_, err = w.SendMany(t.Context(), more)
		require.NoError(t, err)
		calls, items = store.take()
		require.Equal(t, []int{2, 4 * n}, []int{calls, items})
	}
}

func TestReceive_IsLinear(t *testing.T) {
	t.Parallel()
	for _, n := range []int{100, 1000, 10_000} {
		w, store := newCountingWorld(t)
		ids, err := w.SendMany(t.Context(), w.keyedTriggers(n))
		require.NoError(t, err)
		w.tick()
		rs := make([]channel.Receipt, 0, 2*n)
		for _, id := range ids {
			r := channel.Receipt{Channel: channel.SMS, ProviderID: providerID(smsplus.AttemptID(id, 0)), Status: status.Delivered}
			unknown := r
			unknown.ProviderID += "-unknown"
			rs = append(rs, r, unknown)
		}
		store.take()
		w.receive(rs...)
		calls, items := store.take()
		// A look at 2n refs finds n, which are updated one by one. The others are parked, after
		// a look at what is parked already, and then looked at once more, at most 2000 at once.
		require.LessOrEqual(t, items, 2*n+n+n+n+n+n)
		require.LessOrEqual(t, calls, 4*(1+2*n/2000)+n)
		for _, id := range ids {
			require.Equal(t, status.Delivered, w.message(id).Status)
		}
	}
}
