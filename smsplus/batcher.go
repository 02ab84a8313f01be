package smsplus

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// batcher is a group commit without a timer. A caller that finds nobody flushing
// flushes at once; those that come meanwhile wait, and the first of them then flushes
// for all. An idle store is called at once, a busy one gets batches as large as its
// calls are slow, and nobody returns before what it brought is stored. A caller that
// has better to do than wait hands its item over.
type batcher[T any] struct {
	clock Clock
	max   int
	flush func(batch []*ticket[T], room []Message) // room is empty and has max places
	after func(T, error)                           // gets what was handed over, once it is flushed
	turns bool                                     // callers take turns: see next

	tickets sync.Pool // of *ticket[T], not in use

	mu      sync.Mutex
	free    []*flusher[T]
	waiting []*ticket[T]
	flying  int // tickets in batches that are on their way
	crowd   int // the most that were waiting or on their way at a time, of late
	batches int

	// beside is how many goroutines work for those who do not wait, and alone is told
	// when there are none. A WaitGroup would not do: who waits may wait into another Run.
	beside int
	alone  sync.Cond

	brief atomic.Bool // the last flush took less time than a disk takes
}

// flushers is how many batches are on their way to the store at once: see next.
const flushers = 2

// flusher is the right to flush, and the memory for it.
type flusher[T any] struct {
	batch []*ticket[T]
	room  []Message
}

// crowdFades is after how many batches what remains of a crowd is taken to be a
// sixteenth less.
const crowdFades = 16

// gathers is how often others may run before the next batch is made up. While some of
// them compute, each time takes as long as they are let.
const gathers = 8

// ticket is one caller's place in a batch.
type ticket[T any] struct {
	item   T
	err    error
	handed bool // nobody waits for it

	state atomic.Int32 // waiting, told or parked
	turn  *flusher[T]  // what it was told: see wait
	wake  chan struct{}
}

const (
	waiting int32 = iota
	told
	parked
)

// A store in memory flushes in less than brief, and one on a disk does not. While flushes
// are brief, a waiting caller lets others run a few times before it parks: it is told by
// then, which saves waking it up (a fifth of a message's whole life, where that was
// measured).
const (
	brief  = 100 * time.Microsecond
	yields = 32
)

// wait returns a flusher if the caller is to flush its batch, and nil once its item is
// stored.
func (b *batcher[T]) wait(t *ticket[T]) *flusher[T] {
	if b.brief.Load() {
		for range yields {
			if t.state.Load() == told {
				break
			}
			runtime.Gosched()
		}
	}
	if t.state.CompareAndSwap(waiting, parked) {
		<-t.wake
	}
	t.state.Store(waiting)
	return t.turn
}

func (t *ticket[T]) tell(f *flusher[T]) {
	t.turn = f
	if !t.state.CompareAndSwap(waiting, told) {
		t.wake <- struct{}{}
	}
}

func newTicket[T any]() *ticket[T] { return &ticket[T]{wake: make(chan struct{}, 1)} }

func newBatcher[T any](clock Clock, most int, flush func([]*ticket[T], []Message), after func(T, error)) *batcher[T] {
	b := &batcher[T]{clock: clock, max: most, flush: flush, after: after}
	b.alone.L = &b.mu
	for range flushers {
		b.free = append(b.free, &flusher[T]{room: make([]Message, most)})
	}
	return b
}

// put stores an item and returns it as the flush left it.
func (b *batcher[T]) put(item T) (T, error) {
	t := b.ticket(item)
	defer b.recycle(t)
	b.do(t)
	return t.item, t.err
}

// hand leaves an item to be stored, and does not wait for it unless it is its caller's
// turn to flush.
func (b *batcher[T]) hand(item T) {
	t := b.ticket(item)
	t.handed = true
	if f := b.join(t); f != nil {
		b.serve(f, nil)
	}
}

func (b *batcher[T]) ticket(item T) *ticket[T] {
	t, _ := b.tickets.Get().(*ticket[T])
	if t == nil {
		t = newTicket[T]()
	}
	t.item = item
	return t
}

func (b *batcher[T]) recycle(t *ticket[T]) {
	var none T
	t.item, t.err, t.handed = none, nil, false
	b.tickets.Put(t)
}

// do returns when t was in a batch that was flushed.
func (b *batcher[T]) do(t *ticket[T]) {
	f := b.join(t)
	if f == nil {
		f = b.wait(t)
	}
	if f != nil {
		b.serve(f, t)
	}
}

// join puts t among those who wait, and returns a flusher if it is the caller's turn
// to flush.
func (b *batcher[T]) join(t *ticket[T]) *flusher[T] {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = append(b.waiting, t)
	return b.next(false)
}

// next returns a flusher with a batch if one is to be flushed now. It is called with
// b.mu held.
//
// A second batch beside one that is on its way is for half a full one. Whoever waits for
// less gets into the next one nearly as soon, and the fewer batches there are, the less
// each message costs. Callers who take turns wait for a disk, unless flushes are brief:
// one half's batch is executed while the other half's is synced, and it holds no more
// than a half if it is shared out. While a flusher is free fewer wait than b.max, so that
// who joins them, for whom it is not, gets into the batch.
func (b *batcher[T]) next(shared bool) *flusher[T] {
	b.crowd = max(b.crowd, len(b.waiting)+b.flying)
	enough, most := b.max/2, b.max
	if b.turns && !b.brief.Load() {
		enough = min((b.crowd+1)/2, b.max)
		if shared {
			most = enough
		}
	}
	n := len(b.free)
	if n == 0 || len(b.waiting) == 0 || n < flushers && len(b.waiting) < enough {
		return nil
	}
	f := b.free[n-1]
	b.free = b.free[:n-1]
	size := min(len(b.waiting), most)
	f.batch = append(f.batch, b.waiting[:size]...)
	b.waiting = slices.Delete(b.waiting, 0, size)
	b.flying += size
	if b.batches++; b.batches%crowdFades == 0 {
		b.crowd -= (b.crowd + crowdFades - 1) / crowdFades
	}
	return f
}

// serve flushes f's batch, lets the next one be flushed, and tells everybody in its
// own: all but the caller, who sees.
func (b *batcher[T]) serve(f *flusher[T], caller *ticket[T]) {
	handed := b.round(f, caller)
	if f := b.pass(f); f != nil {
		b.goBeside(func() { b.goOn(f) })
	}
	b.tellHanded(handed)
}

func (b *batcher[T]) goBeside(do func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.beside++
	go func() {
		do()
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.beside--; b.beside == 0 {
			b.alone.Broadcast()
		}
	}()
}

// settle returns when nothing goes on beside the callers.
func (b *batcher[T]) settle() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.beside > 0 {
		b.alone.Wait()
	}
}

// goOn flushes one batch after another for as long as nobody waits for them. What was
// handed over is told elsewhere, for what it leads to may wait for another flush.
func (b *batcher[T]) goOn(f *flusher[T]) {
	for {
		handed := b.round(f, nil)
		if f = b.pass(f); f == nil {
			b.tellHanded(handed)
			return
		}
		b.goBeside(func() { b.tellHanded(handed) })
	}
}

// round flushes f's batch, and returns those in it that were handed over.
func (b *batcher[T]) round(f *flusher[T], caller *ticket[T]) (handed []*ticket[T]) {
	began := b.clock.Now()
	b.flush(f.batch, f.room[:0])
	if is := b.clock.Now().Sub(began) < brief; is != b.brief.Load() {
		b.brief.Store(is)
	}
	clear(f.room[:len(f.batch)])
	b.mu.Lock()
	b.flying -= len(f.batch)
	b.mu.Unlock()
	for _, t := range f.batch {
		switch {
		case t.handed:
			handed = append(handed, t)
		case t != caller:
			t.tell(nil)
		}
	}
	busy := len(f.batch) > 1
	f.batch = f.batch[:0]
	if busy {
		b.gather()
	}
	return handed
}

func (b *batcher[T]) tellHanded(handed []*ticket[T]) {
	for _, t := range handed {
		b.after(t.item, t.err)
		b.recycle(t)
	}
}

// gather lets others come with their next, those who were told again, for as long as
// some do and gathers times at most: the fewer batches there are, the less each message
// costs. Who is alone does not wait for the others that the machine has to do, and
// nobody does while another batch is on its way.
func (b *batcher[T]) gather() {
	before := -1
	for range gathers {
		b.mu.Lock()
		n, others := len(b.waiting), b.flying > 0
		b.mu.Unlock()
		if n == before || n >= b.max || others {
			return
		}
		before = n
		runtime.Gosched()
	}
}

// pass ends f's batch, and gives the next one to somebody who waits for it, or returns
// it if nobody does.
func (b *batcher[T]) pass(f *flusher[T]) (left *flusher[T]) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free = append(b.free, f)
	for {
		f := b.next(true)
		if f == nil {
			return nil
		}
		i := slices.IndexFunc(f.batch, func(t *ticket[T]) bool { return !t.handed })
		if i < 0 {
			return f
		}
		f.batch[i].tell(f)
	}
}
