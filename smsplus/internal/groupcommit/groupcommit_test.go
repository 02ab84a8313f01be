package groupcommit

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/stretchr/testify/require"
)

// commitLog counts the commits of each item, and complains about a batch that breaks a bound of
// the Group.
type commitLog struct {
	t        *testing.T
	maxBatch int

	mu       sync.Mutex
	inFlight int
	sizes    []int
	commits  map[int]int
}

func newCommitLog(t *testing.T, maxBatch int) *commitLog {
	return &commitLog{t: t, maxBatch: maxBatch, commits: make(map[int]int)}
}

// commit takes a batch and is slow if slow says so of its number.
func (l *commitLog) commit(slow func(batch int) bool) CommitFunc[int, struct{}] {
	return func(_ context.Context, batch []*Entry[int], scratch []struct{}) {
		l.mu.Lock()
		l.inFlight++
		l.sizes = append(l.sizes, len(batch))
		if l.inFlight > maxInFlight || len(batch) == 0 || len(batch) > l.maxBatch || cap(scratch) < len(batch) {
			l.t.Errorf("%d batches in flight, %d entries in one of them", l.inFlight, len(batch))
		}
		isSlow := slow(len(l.sizes))
		l.mu.Unlock()
		if isSlow {
			<-time.After(time.Millisecond)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, e := range batch {
			l.commits[e.Item]++
		}
		l.inFlight--
	}
}

// requireCommitted complains if an item was not committed exactly once.
func (l *commitLog) requireCommitted(item int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := l.commits[item]; n != 1 {
		l.t.Errorf("item %d: committed %d times when its caller was notified", item, n)
	}
}

func requireIdle(t *testing.T, g *Group[int, struct{}]) {
	t.Helper()
	require.Len(t, g.free, maxInFlight)
	require.Empty(t, g.pending)
	require.Zero(t, g.inFlight)
	require.Zero(t, g.background)
}

func never(int) bool  { return false }
func always(int) bool { return true }

func TestGroup_CommitsEachEntryOnceAndReportsAfterwards(t *testing.T) {
	t.Parallel()
	const callers, each, maxBatch = 50, 200, 7
	var mu sync.Mutex
	reported := map[int]int{}
	log := newCommitLog(t, maxBatch)
	g := New(clock.New(), log.commit(never), Options[int]{MaxBatch: maxBatch, OnCommit: func(item int, err error) {
		log.requireCommitted(item)
		mu.Lock()
		defer mu.Unlock()
		reported[item]++
		if err != nil {
			t.Error(err)
		}
	}})
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for i := range each {
				if item := c*each + i; c%3 == 0 {
					g.Submit(item)
				} else {
					_, _ = g.Do(t.Context(), item)
					log.requireCommitted(item)
				}
			}
		})
	}
	wg.Wait()
	g.Wait()
	require.Len(t, log.commits, callers*each)
	require.Len(t, reported, (callers+2)/3*each)
	requireIdle(t, g)
}

// Commits are fast and slow by turns here, which changes how many entries make a batch.
func TestDo_ReturnsAfterItsCommitOnly(t *testing.T) {
	t.Parallel()
	for _, maxBatch := range []int{1, 2, 7, 64} {
		synctest.Test(t, func(t *testing.T) {
			const callers, each = 40, 100
			log := newCommitLog(t, maxBatch)
			g := New(clock.New(), log.commit(func(batch int) bool { return batch%5 < 3 }), Options[int]{MaxBatch: maxBatch, Alternate: true})
			var wg sync.WaitGroup
			for c := range callers {
				wg.Go(func() {
					<-time.After(time.Duration(c%4) * 5 * time.Millisecond)
					for i := range each {
						_, _ = g.Do(t.Context(), c*each+i)
						log.requireCommitted(c*each + i)
						if i%7 == 0 {
							<-time.After(time.Millisecond)
						}
					}
				})
			}
			wg.Wait()
			g.Wait()
			require.Len(t, log.commits, callers*each)
			requireIdle(t, g)
		})
	}
}

func TestAlternate_SplitsCallersOfASlowStoreIntoHalves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const callers, each = 8, 50
		log := newCommitLog(t, 512)
		g := New(clock.New(), log.commit(always), Options[int]{MaxBatch: 512, Alternate: true})
		var wg sync.WaitGroup
		for c := range callers {
			wg.Go(func() {
				for i := range each {
					_, _ = g.Do(t.Context(), c*each+i)
				}
			})
		}
		wg.Wait()
		require.Equal(t, callers/2, slices.Max(log.sizes[10:]))
		require.LessOrEqual(t, len(log.sizes), 2*each+2*each/5, "few batches are smaller than a half: %v", log.sizes)
	})
}

// A commit that hangs holds the slots. Callers whose context ends leave, and learn whether
// their item is in the batch.
func TestDo_LeavesTheQueueWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		var mu sync.Mutex
		committed := map[int]bool{}
		g := New(clock.New(), func(_ context.Context, batch []*Entry[int], _ []struct{}) {
			<-hang
			mu.Lock()
			defer mu.Unlock()
			for _, e := range batch {
				committed[e.Item] = true
			}
		}, Options[int]{MaxBatch: 4})
		ctx, cancel := context.WithCancel(t.Context())
		errs := make([]error, 9)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() { _, errs[i] = g.Do(ctx, i) })
			synctest.Wait()
		}
		cancel()
		synctest.Wait()
		close(hang)
		wg.Wait()
		g.Wait()
		requireIdle(t, g)
		withdrawn, unknown := 0, 0
		for i, err := range errs {
			switch {
			case errors.Is(err, ErrWithdrawn):
				withdrawn++
				require.False(t, committed[i], "item %d", i)
			case errors.Is(err, ErrUnknown):
				unknown++
				require.True(t, committed[i], "item %d", i)
			}
			require.ErrorIs(t, err, context.Canceled, "item %d", i)
		}
		require.Positive(t, withdrawn)
		require.Positive(t, unknown)
		item, err := g.Do(t.Context(), 100)
		require.NoError(t, err)
		require.Equal(t, 100, item)
	})
}

// A commit in memory is so fast that callers commit in place. They leave one that hangs all
// the same: the commit ends with its leader's context.
func TestDo_LeavesACommitThatHangsAfterFastOnes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var hangs atomic.Bool
		hang := make(chan struct{})
		g := New(clock.New(), func(ctx context.Context, batch []*Entry[int], _ []struct{}) {
			if !hangs.Load() {
				return
			}
			select {
			case <-hang:
			case <-ctx.Done():
				for _, e := range batch {
					e.Err = ctx.Err()
				}
			}
		}, Options[int]{MaxBatch: 4})
		_, err := g.Do(t.Context(), 0)
		require.NoError(t, err)
		hangs.Store(true)
		ctx, cancel := context.WithCancel(t.Context())
		errs := make([]error, 9)
		var callers sync.WaitGroup
		for i := range errs {
			callers.Go(func() { _, errs[i] = g.Do(ctx, i) })
			synctest.Wait()
		}
		cancel()
		callers.Wait()
		for i, err := range errs {
			require.ErrorIs(t, err, context.Canceled, "item %d", i)
		}
		close(hang)
		g.Wait()
		requireIdle(t, g)
	})
}

// A caller that leads a batch of several leaves when its own context ends. The items of the
// others are committed all the same.
func TestDo_CommitsAgainWhatALeaderLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var hangs atomic.Bool
		hang := make(chan struct{})
		var mu sync.Mutex
		committed := map[int]int{}
		g := New(clock.New(), func(ctx context.Context, batch []*Entry[int], _ []struct{}) {
			if hangs.Load() {
				select {
				case <-hang:
				case <-ctx.Done():
				}
			}
			mu.Lock()
			defer mu.Unlock()
			for _, e := range batch {
				if e.Err = ctx.Err(); e.Err == nil {
					committed[e.Item]++
				}
			}
		}, Options[int]{MaxBatch: 4})
		_, err := g.Do(t.Context(), 0)
		require.NoError(t, err)
		hangs.Store(true)

		var callers sync.WaitGroup
		impatient, cancel := context.WithCancel(t.Context())
		errs := make([]error, 5)
		for i := range errs {
			ctx := t.Context()
			if leads := i == 0 || i == 2; leads { // the third caller makes the second batch half full
				ctx = impatient
			}
			callers.Go(func() { _, errs[i] = g.Do(ctx, i+1) })
			synctest.Wait()
		}
		cancel()
		synctest.Wait()
		close(hang)
		callers.Wait()
		g.Wait()
		for i, err := range errs {
			if i == 0 || i == 2 {
				require.ErrorIs(t, err, context.Canceled)
			} else {
				require.NoError(t, err, "item %d", i)
			}
		}
		require.Equal(t, map[int]int{0: 1, 2: 1, 4: 1, 5: 1}, committed)
		requireIdle(t, g)
	})
}

// A Run that gave up on its drain waits while the next Run starts background work.
func TestWait_MayOverlapWithNewBackgroundWork(t *testing.T) {
	t.Parallel()
	g := New(clock.New(), func(context.Context, []*Entry[int], []struct{}) {}, Options[int]{MaxBatch: 7, OnCommit: func(int, error) {}})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 2000 {
				g.Wait()
			}
		})
		wg.Go(func() {
			for range 2000 {
				g.goBackground(func() {})
			}
		})
	}
	wg.Wait()
	g.Wait()
	requireIdle(t, g)
}
