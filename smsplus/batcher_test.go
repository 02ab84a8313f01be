package smsplus

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/stretchr/testify/require"
)

func TestABatcherFlushesEveryTicketOnceAndTellsAfterIt(t *testing.T) {
	t.Parallel()
	const callers, each, most = 50, 200, 7
	var mu sync.Mutex
	flushed, heard := map[int]int{}, map[int]int{}
	under := 0
	b := newBatcher(clock.New(), most, func(batch []*ticket[int], room []Message) {
		mu.Lock()
		under++
		if under > flushers || len(batch) == 0 || len(batch) > most || cap(room) < len(batch) {
			t.Errorf("%d flushes at once, %d tickets in a batch", under, len(batch))
		}
		for _, tk := range batch {
			flushed[tk.item]++
		}
		under--
		mu.Unlock()
	}, func(item int, err error) {
		mu.Lock()
		defer mu.Unlock()
		heard[item]++
		if flushed[item] != 1 || err != nil {
			t.Errorf("told after %d flushes of its item: %v", flushed[item], err)
		}
	})
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			tk := newTicket[int]()
			for i := range each {
				if c%3 == 0 {
					b.hand(c*each + i)
					continue
				}
				tk.item = c*each + i
				b.do(tk)
				mu.Lock()
				if flushed[tk.item] != 1 {
					t.Errorf("returned after %d flushes of its item", flushed[tk.item])
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	b.settle()
	require.Len(t, flushed, callers*each)
	require.Len(t, heard, (callers+2)/3*each)
	require.Len(t, b.free, flushers)
	require.Empty(t, b.waiting)
}

// Whether a flush is brief changes all the time here, and with it how many are enough.
func TestABatcherReturnsNobodyBeforeItsFlush(t *testing.T) {
	t.Parallel()
	for _, most := range []int{1, 2, 7, 64} {
		synctest.Test(t, func(t *testing.T) {
			const callers, each = 40, 100
			var mu sync.Mutex
			flushed, under, flushes := map[int]int{}, 0, 0
			b := newBatcher(clock.New(), most, func(batch []*ticket[int], room []Message) {
				mu.Lock()
				under++
				flushes++
				if under > flushers || len(batch) == 0 || len(batch) > most || cap(room) < len(batch) {
					t.Errorf("%d flushes at once, %d tickets in a batch", under, len(batch))
				}
				slow := flushes%5 < 3
				mu.Unlock()
				if slow {
					<-time.After(time.Millisecond)
				}
				mu.Lock()
				defer mu.Unlock()
				for _, tk := range batch {
					flushed[tk.item]++
				}
				under--
			}, nil)
			b.turns = true
			var wg sync.WaitGroup
			for c := range callers {
				wg.Go(func() {
					<-time.After(time.Duration(c%4) * 5 * time.Millisecond)
					for i := range each {
						_, _ = b.put(c*each + i)
						mu.Lock()
						if flushed[c*each+i] != 1 {
							t.Errorf("returned after %d flushes of its item", flushed[c*each+i])
						}
						mu.Unlock()
						if i%7 == 0 {
							<-time.After(time.Millisecond)
						}
					}
				})
			}
			wg.Wait()
			require.Len(t, flushed, callers*each)
			require.Len(t, b.free, flushers)
			require.Empty(t, b.waiting)
			require.Zero(t, b.flying)
		})
	}
}

func TestCallersThatWaitForADiskTakeTurnsInHalves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const callers, each = 8, 50
		var mu sync.Mutex
		var sizes []int
		b := newBatcher(clock.New(), 512, func(batch []*ticket[int], _ []Message) {
			mu.Lock()
			sizes = append(sizes, len(batch))
			mu.Unlock()
			<-time.After(time.Millisecond)
		}, nil)
		b.turns = true
		var wg sync.WaitGroup
		for range callers {
			wg.Go(func() {
				for i := range each {
					_, _ = b.put(i)
				}
			})
		}
		wg.Wait()
		require.Equal(t, callers/2, slices.Max(sizes[10:]))
		require.LessOrEqual(t, len(sizes), 2*each+2*each/5, "few batches are less than a half: %v", sizes)
	})
}

// One that a Run gave up waits for what goes on beside the callers of the next.
func TestABatcherMayGoOnWhileSomebodyWaitsForItToSettle(t *testing.T) {
	t.Parallel()
	b := newBatcher(clock.New(), 7, func([]*ticket[int], []Message) {}, func(int, error) {})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 2000 {
				b.settle()
			}
		})
		wg.Go(func() {
			for range 2000 {
				b.goBeside(func() {})
			}
		})
	}
	wg.Wait()
	b.settle()
	require.Zero(t, b.beside)
}
