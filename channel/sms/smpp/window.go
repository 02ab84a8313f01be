package smpp

import (
	"context"
	"fmt"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms/smpp/pdu"
)

// acquire returns a session with room in its window, which it takes: release gives it
// back. It waits for room, and for a bind that is being made, until ctx ends. If every
// bind has failed it returns at once why.
func (c *Channel) acquire(ctx context.Context, k *call) (*session, error) {
	c.mu.Lock()
	if c.dialing.Err() != nil {
		c.mu.Unlock()
		return nil, channel.Temporary(errClosed, 0)
	}
	c.start()
	if s := c.roomiest(); s != nil {
		s.taken++
		c.mu.Unlock()
		return s, nil
	}
	if err := c.down(); err != nil {
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
			c.release(k.granted)
		}
	default:
	}
	return nil, channel.Temporary(fmt.Errorf("smpp: no bind had room: %w", ctx.Err()), 0)
}

// release gives back room in a session's window.
func (c *Channel) release(s *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.taken--
	if s.draining && s.taken == 0 {
		close(s.drained)
	}
	c.admit()
}

// admit gives what room there is to those who wait for it. It is called with c.mu held,
// as what follows is.
func (c *Channel) admit() {
	for c.waiting.Len() > 0 {
		s := c.roomiest()
		if s == nil {
			return
		}
		s.taken++
		c.next().grant(s, nil)
	}
}

// refuse lets go of those who wait.
func (c *Channel) refuse(err error) {
	for c.waiting.Len() > 0 {
		c.next().grant(nil, err)
	}
}

// next returns the call that has waited longest, and waits no longer.
func (c *Channel) next() *call { return c.waiting.Remove(c.waiting.Front()).(*call) }

// roomiest returns the session with the most room in its window, or nil if none has
// any.
func (c *Channel) roomiest() *session {
	var best *session
	for i := range c.links {
		s := c.links[(c.turn+i)%len(c.links)].session
		if s != nil && !s.draining && s.taken < c.config.Window && (best == nil || s.taken < best.taken) {
			best = s
		}
	}
	c.turn++
	return best
}

// down returns why no bind is up or being made, or nil if one is.
func (c *Channel) down() error {
	var err error
	for _, l := range c.links {
		if l.failure == nil {
			return nil
		}
		err = l.failure
	}
	return err
}

// drain lets a session end: it gets no more messages, and says the farewell when it has
// all answers. It reports whether it was the first to say so.
func (c *Channel) drain(s *session, farewell pdu.PDU) bool {
	if s.draining {
		return false
	}
	s.draining, s.farewell = true, farewell
	if s.taken == 0 {
		close(s.drained)
	}
	return true
}

// renew lets a session end, and so a new one be bound.
func (c *Channel) renew(s *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drain(s, pdu.PDU{ID: pdu.Unbind})
}
