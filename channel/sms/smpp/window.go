package smpp

import (
	"context"
	"fmt"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms/smpp/pdu"
)

// acquireWindow returns a session with room in its window, which it takes: release gives it
// back. It waits for room, and for a bind that is being made, until ctx ends. If every
// bind has failed it returns at once why.
func (c *Channel) acquireWindow(ctx context.Context, k *call) (*session, error) {
	c.mu.Lock()
	if c.bindCtx.Err() != nil {
		c.mu.Unlock()
		return nil, channel.Temporary(errClosed, 0)
	}
	c.startLinks()
	if s := c.leastLoaded(); s != nil {
		s.inFlight++
		c.mu.Unlock()
		return s, nil
	}
	if err := c.bindFailure(); err != nil {
		c.mu.Unlock()
		return nil, err
	}
	place := c.waiting.PushBack(k)
	c.mu.Unlock()

	select {
	case <-k.ready:
		return k.granted, k.refused
	case <-ctx.Done():
	}
	c.mu.Lock()
	c.waiting.Remove(place)
	c.mu.Unlock()
	select {
	case <-k.ready: // meanwhile
		if k.granted != nil {
			c.releaseWindow(k.granted)
		}
	default:
	}
	return nil, channel.Temporary(fmt.Errorf("smpp: no bind had room: %w", ctx.Err()), 0)
}

// releaseWindow gives back room in a session's window.
func (c *Channel) releaseWindow(s *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.inFlight--
	if s.draining && s.inFlight == 0 {
		close(s.drained)
	}
	c.admitWaiting()
}

// admitWaiting gives what room there is to those who wait for it. It is called with c.mu held,
// as what follows is.
func (c *Channel) admitWaiting() {
	for c.waiting.Len() > 0 {
		s := c.leastLoaded()
		if s == nil {
			return
		}
		s.inFlight++
		c.popWaiting().endWait(s, nil)
	}
}

// refuseWaiting lets go of those who wait.
func (c *Channel) refuseWaiting(err error) {
	for c.waiting.Len() > 0 {
		c.popWaiting().endWait(nil, err)
	}
}

// popWaiting returns the call that has waited longest, and waits no longer.
func (c *Channel) popWaiting() *call { return c.waiting.Remove(c.waiting.Front()).(*call) }

// leastLoaded returns the session with the most room in its window, or nil if none has
// any.
func (c *Channel) leastLoaded() *session {
	var best *session
	for i := range c.links {
		s := c.links[(c.nextLink+i)%len(c.links)].session
		if s != nil && !s.draining && s.inFlight < c.config.Window && (best == nil || s.inFlight < best.inFlight) {
			best = s
		}
	}
	c.nextLink++
	return best
}

// bindFailure returns why no bind is up or being made, or nil if one is.
func (c *Channel) bindFailure() error {
	var err error
	for _, l := range c.links {
		if l.failure == nil {
			return nil
		}
		err = l.failure
	}
	return err
}

// drainSession lets a session end: it gets no more messages, and says the farewell when it has
// all answers. It reports whether it was the first to say so.
func (c *Channel) drainSession(s *session, farewell pdu.PDU) bool {
	if s.draining {
		return false
	}
	s.draining, s.lastPDU = true, farewell
	if s.inFlight == 0 {
		close(s.drained)
	}
	return true
}

// rebindSession lets a session end, and so a new one be bound.
func (c *Channel) rebindSession(s *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drainSession(s, pdu.PDU{ID: pdu.Unbind})
}
