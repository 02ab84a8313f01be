package smpp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms/smpp/pdu"
	"github.com/smsplus/smsplus-go/status"
)

// link keeps one bind up. Its fields are guarded by Channel.mu.
type link struct {
	// session is the bound one, nil while there is none.
	session *session
	// failure is what a Send gets while the bind has failed and is not yet tried again.
	failure error
}

// start starts the links, once. It is called with c.mu held.
func (c *Channel) start() {
	if c.links != nil {
		return
	}
	for range c.config.Binds {
		l := new(link)
		c.links = append(c.links, l)
		c.running.Go(func() { c.keep(l) })
	}
}

// keep binds, and binds again, until Close.
func (c *Channel) keep(l *link) {
	ctx := c.dialing
	for try := 1; ctx.Err() == nil; try++ {
		s, err := c.bind(ctx)
		if err == nil {
			began := now()
			c.serve(l, s)
			if now().Sub(began) > c.config.RebindMax {
				try = 1
			}
			pause(ctx, c.backoff(try))
		} else if ctx.Err() == nil {
			c.rest(l, err, try)
		}
	}
}

// serve serves a bound session until it ends.
func (c *Channel) serve(l *link, s *session) {
	ctx := c.dialing
	c.config.Logger.InfoContext(ctx, "smpp: bound", "addr", c.config.Addr)
	c.update(func() { l.session = s })
	err := s.run(c.living)
	c.update(func() { l.session = nil }) // first, so that whoever tries again does so on another
	s.forget(err)
	if ctx.Err() == nil {
		c.config.Logger.WarnContext(ctx, "smpp: session ended", "addr", c.config.Addr, "error", err)
	}
}

// rest waits after a bind that failed.
func (c *Channel) rest(l *link, err error, try int) {
	failure := c.failure(err)
	failing := 0
	c.update(func() {
		l.failure = failure
		for _, l := range c.links {
			if l.failure != nil {
				failing++
			}
		}
	})
	level, wait := slog.LevelWarn, c.backoff(try)
	if failure.Status() != status.Preparing {
		level = slog.LevelError
		wait = time.Duration(failing)*c.config.RebindRefused + jitter(c.config.RebindRefused/4)
	}
	c.config.Logger.Log(c.dialing, level, "smpp: bind failed", "addr", c.config.Addr, "error", err, "again_in", wait)
	pause(c.dialing, wait)
	c.update(func() { l.failure = nil })
}

// update changes links, and lets those who wait for a session know.
func (c *Channel) update(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
	if c.dialing.Err() != nil {
		for _, l := range c.links {
			if l.session != nil {
				c.drain(l.session, pdu.PDU{ID: pdu.Unbind})
			}
		}
		return
	}
	c.admit()
	if err := c.down(); err != nil {
		c.refuse(err)
	}
}

// failure returns what a Send gets while no bind is up for that reason.
func (c *Channel) failure(err error) *channel.Error {
	if refused, ok := errors.AsType[*refusedError](err); ok {
		switch v := c.verdict(refused.status, 1); v.Status {
		case status.Undeliverable:
			return channel.Undeliverable(v.Reason, err.Error())
		case status.Failed:
			return channel.Failed(v.Reason, err.Error())
		default:
		}
	}
	return channel.Temporary(err, 0)
}

// refusedError is a bind that the SMSC refused.
type refusedError struct{ status pdu.Status }

func (e *refusedError) Error() string { return "smpp: the bind was refused: " + e.status.String() }

// bind connects and binds.
func (c *Channel) bind(ctx context.Context) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.BindTimeout)
	defer cancel()
	conn, err := c.config.Dial(ctx, "tcp", c.config.Addr)
	if err != nil {
		return nil, fmt.Errorf("smpp: connect: %w", err)
	}
	cut := context.AfterFunc(ctx, func() { _ = conn.Close() }) // whoever reads gets the error
	s, err := c.greet(ctx, conn)
	if err == nil && cut() {
		return s, nil
	}
	_ = conn.Close() // it is of no use
	if ctx.Err() != nil {
		return nil, fmt.Errorf("smpp: no answer to the bind: %w", ctx.Err())
	}
	return nil, err
}

func (c *Channel) greet(ctx context.Context, conn net.Conn) (*session, error) {
	if c.config.TLS != nil {
		secure := tls.Client(conn, c.config.TLS)
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, fmt.Errorf("smpp: TLS: %w", err)
		}
		conn = secure
	}
	s := newSession(c, conn)
	request, err := pdu.Append(nil, pdu.PDU{ID: pdu.BindTransceiver, Sequence: s.next(), Body: &pdu.Bind{
		SystemID:         c.config.SystemID,
		Password:         c.config.Password,
		SystemType:       c.config.SystemType,
		InterfaceVersion: interfaceVersion,
	}})
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write(request); err != nil {
		return nil, fmt.Errorf("smpp: bind: %w", err)
	}
	for {
		p, err := s.receive()
		switch {
		case err != nil:
			return nil, fmt.Errorf("smpp: bind: %w", err)
		case p.ID != pdu.BindTransceiverResp && p.ID != pdu.GenericNack:
		case p.Status == pdu.ROK && p.ID == pdu.BindTransceiverResp:
			return s, nil
		default:
			return nil, &refusedError{p.Status}
		}
	}
}

// interfaceVersion is 3.4's (section 5.2.4). Some SMSCs refuse any other, and some take
// any other for 3.3.
const interfaceVersion = 0x34

// backoff returns how long to wait before the try-th try of a bind after the first.
func (c *Channel) backoff(try int) time.Duration {
	d := c.config.RebindMin
	for ; try > 1 && d < c.config.RebindMax; try-- {
		d *= 2
	}
	d = min(d, c.config.RebindMax)
	return d/2 + jitter(d/2)
}

func jitter(d time.Duration) time.Duration { return rand.N(d + 1) }

func pause(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-ctx.Done()
}
