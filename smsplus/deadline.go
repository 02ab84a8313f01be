package smsplus

import (
	"context"
	"sync"
	"time"
)

// lazyDeadline is a context with a deadline that starts its timer only when somebody
// asks for Done. Every call to a store and to a channel has a deadline, and most
// of them are over before anyone would wait for it: this one is a third of the
// cost of context.WithTimeout, and a message has three.
type lazyDeadline struct {
	parent context.Context
	at     time.Time

	mu       sync.Mutex
	canceled bool
	inner    context.Context // from the first call to Done on
	stop     context.CancelFunc
}

// withDeadline returns a context that ends after timeout, or when cancel is called.
// It runs on the machine's time: it guards a call, and no message is due by it.
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
	c.canceled = true
	if c.stop != nil {
		c.stop()
	}
}

func (c *lazyDeadline) Deadline() (time.Time, bool) { return c.at, true }

func (c *lazyDeadline) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inner == nil {
		c.inner, c.stop = context.WithDeadline(c.parent, c.at)
		if c.canceled {
			c.stop()
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
	case c.canceled:
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
	return ctx.Value(key) // the inner one lets contexts derived from this one join it
}
