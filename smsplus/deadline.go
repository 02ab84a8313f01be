package smsplus

import (
	"context"
	"sync"
	"time"
)

// lazyDeadline is a context with a deadline that starts its timer on the first call to
// Done. Each call to a store or a channel has a deadline, and most calls end before
// anything waits for it.
type lazyDeadline struct {
	parent context.Context
	at     time.Time

	mu          sync.Mutex
	ended       bool
	inner       context.Context // nil until the first call to Done
	cancelInner context.CancelFunc
}

// withDeadline returns a context that ends after timeout, or when cancel is called. It runs
// on the machine's time, because it guards a call and no message falls due by it.
func withDeadline(parent context.Context, timeout time.Duration) *lazyDeadline {
	at := time.Now().Add(timeout) //nolint:forbidigo // as above
	if earlier, ok := parent.Deadline(); ok && earlier.Before(at) {
		at = earlier
	}
	return &lazyDeadline{parent: parent, at: at}
}

func (c *lazyDeadline) cancel() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	if c.cancelInner != nil {
		c.cancelInner()
	}
}

func (c *lazyDeadline) Deadline() (time.Time, bool) { return c.at, true }

func (c *lazyDeadline) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inner == nil {
		c.inner, c.cancelInner = context.WithDeadline(c.parent, c.at)
		if c.ended {
			c.cancelInner()
		}
	}
	return c.inner.Done()
}

func (c *lazyDeadline) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.inner != nil:
		return c.inner.Err()
	case c.ended:
		return context.Canceled
	case c.parent.Err() != nil:
		return c.parent.Err()
	case !time.Now().Before(c.at): //nolint:forbidigo // as above
		return context.DeadlineExceeded
	}
	return nil
}

func (c *lazyDeadline) Value(key any) any {
	c.mu.Lock()
	ctx := c.inner
	c.mu.Unlock()
	if ctx == nil {
		ctx = c.parent
	}
	return ctx.Value(key) // inner has the key by which derived contexts attach to it
}
