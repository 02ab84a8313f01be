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
//
// Invariant: at most one of session and failure is set. With neither, a bind is being made
// or follows after a short pause.
type link struct {
	// bindID is the bind that the link makes. A receiver carries no messages.
	bindID pdu.ID
	// session is the bound session, nil while there is none.
	session *session
	// failure is the error of a Send between a failed bind and its next try.
	failure error
}

// startLinks starts the links, once. It is called with c.mu held.
func (c *Channel) startLinks() {
	if c.links != nil {
		return
	}
	kinds := []pdu.ID{pdu.BindTransceiver}
	if c.config.BindPairs {
		kinds = []pdu.ID{pdu.BindTransmitter, pdu.BindReceiver}
	}
	for range c.config.Binds {
		for _, kind := range kinds {
			l := &link{bindID: kind}
			c.links = append(c.links, l)
			c.linkLoops.Go(func() { c.runLink(l) })
		}
	}
}

// canSend reports whether the link carries messages.
func (l *link) canSend() bool { return l.bindID != pdu.BindReceiver }

// runLink binds again and again, until Close.
func (c *Channel) runLink(l *link) {
	ctx := c.bindCtx
	for try := 1; ctx.Err() == nil; try++ {
		s, err := c.bindSession(ctx, l.bindID)
		if err == nil {
			began := now()
			c.serveSession(l, s)
			if now().Sub(began) > c.config.RebindMax {
				try = 1
			}
			sleepFor(ctx, c.backoff(try))
		} else if ctx.Err() == nil {
			c.waitAfterFailure(l, err, try)
		}
	}
}

// serveSession runs a bound session until it ends.
func (c *Channel) serveSession(l *link, s *session) {
	ctx := c.bindCtx
	c.config.Logger.InfoContext(ctx, "smpp: bound", "addr", c.config.Addr)
	c.updateLinks(func() { l.session = s })
	err := s.run(c.sessionCtx)
	c.updateLinks(func() { l.session = nil }) // before failPending, so that a retry takes another session
	s.failPending(err)
	if ctx.Err() == nil {
		c.config.Logger.WarnContext(ctx, "smpp: session ended", "addr", c.config.Addr, "error", err)
	}
}

// waitAfterFailure waits after a failed bind. If the account or the Config is at fault, the
// wait is longer, and binds that fail take turns.
func (c *Channel) waitAfterFailure(l *link, err error, try int) {
	failure := c.failureOf(err)
	failing := 0
	c.updateLinks(func() {
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
	c.config.Logger.Log(c.bindCtx, level, "smpp: bind failed", "addr", c.config.Addr, "error", err, "again_in", wait)
	sleepFor(c.bindCtx, wait)
	c.updateLinks(func() { l.failure = nil })
}

// updateLinks changes links, and then serves or refuses the calls that wait for a session.
// After Close it drains the sessions instead.
func (c *Channel) updateLinks(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
	if c.bindCtx.Err() != nil {
		for _, l := range c.links {
			if l.session != nil {
				c.drainSession(l.session, pdu.PDU{ID: pdu.Unbind})
			}
		}
		return
	}
	c.admitWaiting()
	if err := c.bindFailure(); err != nil {
		c.refuseWaiting(err)
	}
}

// failureOf returns the error of a Send while no bind is up for that reason.
func (c *Channel) failureOf(err error) *channel.Error {
	if refused, ok := errors.AsType[*refusedError](err); ok {
		switch v := c.verdictOf(refused.status, 1); v.Status {
		case status.Undeliverable:
			return channel.Undeliverable(v.Reason, err.Error())
		case status.Failed:
			return channel.Failed(v.Reason, err.Error())
		default:
		}
	}
	return channel.Temporary(err, 0)
}

// refusedError is the error of a bind that the SMSC refused.
type refusedError struct{ status pdu.Status }

func (e *refusedError) Error() string { return "smpp: the bind was refused: " + e.status.String() }

// bindSession connects and binds.
func (c *Channel) bindSession(ctx context.Context, kind pdu.ID) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.BindTimeout)
	defer cancel()
	conn, err := c.config.Dial(ctx, "tcp", c.config.Addr)
	if err != nil {
		return nil, fmt.Errorf("smpp: connect: %w", err)
	}
	cut := context.AfterFunc(ctx, func() { _ = conn.Close() }) // pending reads and writes then fail
	s, err := c.handshake(ctx, conn, kind)
	if err == nil && cut() {
		return s, nil
	}
	_ = conn.Close() // the bind failed
	if ctx.Err() != nil {
		return nil, fmt.Errorf("smpp: no answer to the bind: %w", ctx.Err())
	}
	return nil, err
}

// handshake makes TLS, if configured, and binds over the connection.
func (c *Channel) handshake(ctx context.Context, conn net.Conn, kind pdu.ID) (*session, error) {
	if c.config.TLS != nil {
		secure := tls.Client(conn, c.config.TLS)
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, fmt.Errorf("smpp: TLS: %w", err)
		}
		conn = secure
	}
	s := newSession(c, conn)
	request, err := pdu.Append(nil, pdu.PDU{ID: kind, Sequence: s.nextSequence(), Body: &pdu.Bind{
		SystemID:         c.config.SystemID,
		Password:         c.config.Password.Reveal(),
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
		r, err := s.receivePDU()
		switch p := r.pdu; {
		case err != nil:
			return nil, fmt.Errorf("smpp: bind: %w", err)
		case p.ID != kind.Response() && p.ID != pdu.GenericNack:
			// Some SMSCs have receipts, or an enquire_link, on the way before they answer.
			if s.early = append(s.early, r); len(s.early) > maxEarly {
				return nil, errNoBindAnswer
			}
		case p.Status == pdu.ROK && p.ID == kind.Response():
			return s, nil
		default:
			return nil, &refusedError{p.Status}
		}
	}
}

var errNoBindAnswer = errors.New("smpp: bind: the smsc sends requests and no answer")

// interfaceVersion is the value for 3.4 (section 5.2.4). Some SMSCs refuse any other, and
// some take any other for 3.3.
const interfaceVersion = 0x34

// backoff returns the wait before the try-th retry of a bind.
func (c *Channel) backoff(try int) time.Duration {
	d := c.config.RebindMin
	for ; try > 1 && d < c.config.RebindMax; try-- {
		d *= 2
	}
	d = min(d, c.config.RebindMax)
	return d/2 + jitter(d/2)
}

func jitter(d time.Duration) time.Duration { return rand.N(d + 1) }

func sleepFor(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-ctx.Done()
}
