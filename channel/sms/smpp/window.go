package smpp

import (
	"context"
	"fmt"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms/smpp/pdu"
)

// acquireWindow takes a place in a session's window, which releaseWindow gives back. It
// waits for room, and for a bind that is being made, until ctx ends. If every bind has
// failed it returns the reason at once.
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
	case <-k.ready: // granted or refused meanwhile
		if k.granted != nil {
			c.releaseWindow(k.granted)
		}
	default:
	}
	return nil, channel.Temporary(fmt.Errorf("smpp: no bind had room: %w", ctx.Err()), 0)
}

// releaseWindow gives back a place in a session's window.
func (c *Channel) releaseWindow(s *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.inFlight--
	if s.draining && s.inFlight == 0 {
		close(s.drained)
	}
	c.admitWaiting()
}

// admitWaiting gives free places to waiting calls, the longest waiting first. It and the
// functions below are called with c.mu held.
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

// refuseWaiting ends the wait of all waiting calls with an error.
func (c *Channel) refuseWaiting(err error) {
	for c.waiting.Len() > 0 {
		c.popWaiting().endWait(nil, err)
	}
}

// popWaiting removes and returns the call that has waited longest.
func (c *Channel) popWaiting() *call { return c.waiting.Remove(c.waiting.Front()).(*call) }

// leastLoaded returns the session with the most room in its window, or nil if none has
// room.
func (c *Channel) leastLoaded() *session {
	var best *session
	for i := range c.links {
		l := c.links[(c.nextLink+i)%len(c.links)]
		s := l.session
		if s != nil && l.canSend() && !s.draining && s.inFlight < c.config.Window && (best == nil || s.inFlight < best.inFlight) {
			best = s
		}
	}
	c.nextLink++
	return best
}

// bindFailure returns why no bind that carries messages is up or being made, or nil if one
// is.
func (c *Channel) bindFailure() error {
	var err error
	for _, l := range c.links {
		if !l.canSend() {
			continue
		}
		if l.failure == nil {
			return nil
		}
		err = l.failure
	}
	return err
}

// drainSession lets a session end: it gets no more messages, and sends lastPDU when all
// answers have come. It reports whether the session was not yet draining.
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

// rebindSession lets a session end, so that its link binds a new one. It takes c.mu itself.
func (c *Channel) rebindSession(s *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drainSession(s, pdu.PDU{ID: pdu.Unbind})
}
