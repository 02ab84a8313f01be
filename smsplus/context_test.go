package smsplus_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
	"github.com/smsplus/smsplus-go/storetest"
)

// Each call of a Dispatcher leaves the queue in front of a store that hangs when its
// context ends, and says whether its message may be stored.
func TestContext_LeavesTheQueueWhenItEnds(t *testing.T) {
	t.Parallel()
	const callers, patience = 100, time.Second
	for name, tt := range map[string]struct {
		method string
		call   func(ctx context.Context, w *world, m smsplus.Message) error
	}{
		"Send": {"Insert", func(ctx context.Context, w *world, _ smsplus.Message) error {
			_, err := w.Send(ctx, w.trigger())
			return err
		}},
		"SendMany": {"Insert", func(ctx context.Context, w *world, _ smsplus.Message) error {
			_, err := w.SendMany(ctx, []smsplus.Trigger{w.trigger()})
			return err
		}},
		"Receive, the look": {"ByProviderID", func(ctx context.Context, w *world, m smsplus.Message) error {
			return w.Receive(ctx, receipt(m, 0, status.Delivered))
		}},
		"Receive, the update": {"Update", func(ctx context.Context, w *world, m smsplus.Message) error {
			return w.Receive(ctx, receipt(m, 0, status.Delivered))
		}},
		"Cancel": {"Update", func(ctx context.Context, w *world, m smsplus.Message) error {
			return w.Cancel(ctx, m.ID)
		}},
		"Confirm": {"Update", func(ctx context.Context, w *world, m smsplus.Message) error {
			return w.Confirm(ctx, m.ID)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				hanging := false
				w := newWorld(t, []step{{channel.SMS, says(status.Accepted), smsplus.Step{}}}, func(c *smsplus.Config) {
					c.Clock, c.NewID = nil, uuid.New
					c.Store = &storetest.Faulty{Store: c.Store, Before: func(method string) error {
						if hanging && method == tt.method {
							<-time.After(c.StoreTimeout)
							return context.DeadlineExceeded
						}
						<-time.After(time.Millisecond) // a store in memory is not left so easily
						return nil
					}}
					c.StoreTimeout, c.Batch = 10*time.Second, 4
				})
				ms := make([]smsplus.Message, callers)
				for i := range ms {
					ms[i] = w.message(w.send())
				}
				hanging = true
				began := time.Now()
				var (
					group         sync.WaitGroup
					mu            sync.Mutex
					inTime, maybe int
				)
				for _, m := range ms {
					group.Go(func() {
						ctx, cancel := context.WithTimeout(t.Context(), patience)
						defer cancel()
						err := tt.call(ctx, w, m)
						mu.Lock()
						defer mu.Unlock()
						if time.Since(began) <= patience {
							inTime++
						}
						if errors.Is(err, smsplus.ErrMaybeStored) {
							maybe++
						}
						if !errors.Is(err, context.DeadlineExceeded) {
							t.Errorf("after %v: %v", time.Since(began), err)
						}
					})
				}
				group.Wait()
				t.Logf("%d of %d left in time; %d may be stored", inTime, callers, maybe)
				if name != "SendMany" { // it goes to the store by itself
					require.Equal(t, callers, inTime)
				}
				if tt.method == "Insert" || name == "Cancel" {
					require.Positive(t, maybe)
				}
				<-time.After(time.Hour) // the calls at the store end
			})
		})
	}
}

// hangingStore is fast until it hangs. Then each call lasts as long as its context.
type hangingStore struct {
	smsplus.Store
	hangs atomic.Bool
}

func (s *hangingStore) wait(ctx context.Context) error {
	if s.hangs.Load() {
		<-ctx.Done()
	}
	return ctx.Err()
}

func (s *hangingStore) Insert(ctx context.Context, ms []smsplus.Message) (map[string]smsplus.Message, error) {
	if err := s.wait(ctx); err != nil {
		return nil, err
	}
	return s.Store.Insert(ctx, ms)
}

func (s *hangingStore) Update(ctx context.Context, ms []smsplus.Message) ([]uuid.UUID, error) {
	if err := s.wait(ctx); err != nil {
		return nil, err
	}
	return s.Store.Update(ctx, ms)
}

func (s *hangingStore) ByProviderID(ctx context.Context, refs []channel.Ref) ([]smsplus.Message, error) {
	if err := s.wait(ctx); err != nil {
		return nil, err
	}
	return s.Store.ByProviderID(ctx, refs)
}

// A store in memory is so fast that callers store their batches themselves. They leave it
// all the same when it hangs.
func TestContext_LeavesAFastStoreThatHangs(t *testing.T) {
	t.Parallel()
	const callers, patience = 100, time.Second
	for name, call := range map[string]func(context.Context, *world, smsplus.Message) error{
		"Send": func(ctx context.Context, w *world, _ smsplus.Message) error {
			_, err := w.Send(ctx, w.trigger())
			return err
		},
		"Receive": func(ctx context.Context, w *world, m smsplus.Message) error {
			return w.Receive(ctx, receipt(m, 0, status.Delivered))
		},
		"Cancel":  func(ctx context.Context, w *world, m smsplus.Message) error { return w.Cancel(ctx, m.ID) },
		"Confirm": func(ctx context.Context, w *world, m smsplus.Message) error { return w.Confirm(ctx, m.ID) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := &hangingStore{Store: memstore.New()}
				w := newWorld(t, []step{{channel.SMS, says(status.Accepted), smsplus.Step{}}}, func(c *smsplus.Config) {
					c.Clock, c.NewID, c.Store, c.Batch = nil, uuid.New, store, 4
				})
				ms := make([]smsplus.Message, callers)
				for i := range ms {
					ms[i] = w.message(w.send())
				}
				store.hangs.Store(true)
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				began := time.Now()
				var group sync.WaitGroup
				for _, m := range ms {
					group.Go(func() {
						if err := call(ctx, w, m); !errors.Is(err, context.DeadlineExceeded) {
							t.Error(err)
						}
					})
				}
				group.Wait()
				require.Equal(t, patience, time.Since(began))
				<-time.After(time.Hour) // the calls at the store end
			})
		})
	}
}

// A Send that is withdrawn in time is not stored, and its error does not say that it may
// be.
func TestContext_WithdrawnSendIsNotStored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		w := newSMSWorld(t, func(c *smsplus.Config) {
			c.NewID = uuid.New
			c.Batch = 1
			c.Store = &storetest.Faulty{Store: c.Store, Before: func(method string) error {
				if method == "Insert" {
					<-release
				}
				return nil
			}}
		})
		var atTheStore sync.WaitGroup
		for range 2 { // as many as may be at the store
			atTheStore.Go(func() {
				if _, err := w.Send(t.Context(), w.trigger()); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		withdrawn := make(chan error, 1)
		go func() {
			_, err := w.Send(ctx, w.trigger())
			withdrawn <- err
		}()
		synctest.Wait()
		cancel()
		err := <-withdrawn
		require.ErrorIs(t, err, context.Canceled)
		require.NotErrorIs(t, err, smsplus.ErrMaybeStored)
		require.EqualError(t, err, "smsplus: send: not committed: context canceled")
		close(release)
		atTheStore.Wait()
		require.Len(t, openMessages(t, w.store), 2)
	})
}

// A Send whose context ends while its batch is at the store may be stored.
func TestContext_SendAtTheStoreMayBeStored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		w := newSMSWorld(t, func(c *smsplus.Config) {
			c.NewID = uuid.New
			c.Store = &storetest.Faulty{Store: c.Store, Before: func(method string) error {
				if method == "Insert" {
					<-release
				}
				return nil
			}}
		})
		var group sync.WaitGroup
		var mu sync.Mutex
		var errs []error
		ctx, cancel := context.WithCancel(t.Context())
		for range 20 {
			group.Go(func() {
				_, err := w.Send(ctx, w.trigger())
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			})
		}
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(release)
		group.Wait()
		stored := len(openMessages(t, w.store))
		succeeded, maybe := 0, 0
		for _, err := range errs {
			switch {
			case err == nil:
				succeeded++
			case errors.Is(err, smsplus.ErrMaybeStored):
				maybe++
			default:
				require.ErrorIs(t, err, context.Canceled)
			}
		}
		require.GreaterOrEqual(t, stored, succeeded)
		require.LessOrEqual(t, stored, succeeded+maybe, "a Send whose error does not say so is not stored")
	})
}

func TestErrMaybeStored_IsTheStoresErrorToo(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	failing := ""
	w := newWorld(t, []step{{channel.SMS, says(status.Accepted), smsplus.Step{}}}, func(c *smsplus.Config) {
		c.Store = &storetest.Faulty{Store: c.Store, After: func(method string) error {
			if method == failing {
				return down
			}
			return nil
		}}
	})
	id := w.send()
	for method, call := range map[string]func() error{
		"Insert": func() error { _, err := w.Send(t.Context(), w.trigger()); return err },
		"Update": func() error { return w.Cancel(t.Context(), id) },
	} {
		failing = method
		err := call()
		require.ErrorIs(t, err, smsplus.ErrMaybeStored, method)
		require.ErrorIs(t, err, down, method)
	}
	failing = "Insert"
	_, err := w.SendMany(t.Context(), []smsplus.Trigger{w.trigger()})
	require.ErrorIs(t, err, smsplus.ErrMaybeStored)
	failing = ""
	_, err = w.Send(t.Context(), smsplus.Trigger{})
	require.NotErrorIs(t, err, smsplus.ErrMaybeStored)
	require.NotErrorIs(t, w.Cancel(t.Context(), uuid.New()), smsplus.ErrMaybeStored)
}
