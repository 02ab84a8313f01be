package smpp

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms/smpp/pdu"
	"github.com/smsplus/smsplus-go/status"
)

// Channel is an account at an SMSC. It is a [channel.Listener] and a
// [channel.ContentChecker], and safe for concurrent use.
//
// Invariants: session.inFlight ≤ Config.Window for each session, and a call is in waiting
// only while no session has room.
type Channel struct {
	config Config
	source pdu.Address

	// bindCtx ends when Close is called, sessionCtx when Close has waited long enough.
	bindCtx, sessionCtx      context.Context
	stopBinding, cutSessions context.CancelFunc
	linkLoops                sync.WaitGroup // the runLink goroutines

	mu        sync.Mutex
	links     []*link // nil until they are started
	nextLink  int     // the link to prefer among sessions with equal load
	waiting   list.List
	listeners []*listener
}

// New returns a channel. It makes no connection.
func New(c Config) (*Channel, error) {
	if err := c.prepare(); err != nil {
		return nil, err
	}
	ch := &Channel{config: c, source: c.sourceAddress()}
	ch.bindCtx, ch.stopBinding = context.WithCancel(context.Background())
	ch.sessionCtx, ch.cutSessions = context.WithCancel(context.Background())
	return ch, nil
}

// Format writes the channel without its account's credentials, whatever the verb.
func (c *Channel) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "smpp.Channel(%s at %s)", c.config.Name, c.config.Addr) // fmt has no way to report it
}

// Name returns Config.Name.
func (c *Channel) Name() channel.Name { return c.config.Name }

// Traits returns the channel's traits.
func (c *Channel) Traits() channel.Traits {
	return channel.Traits{Machine: status.SMS, Validity: c.config.Validity, Expires: true}
}

var errClosed = errors.New("smpp: the channel is closed")

// Send hands the message to the SMSC.
func (c *Channel) Send(ctx context.Context, e channel.Envelope) (channel.Result, error) {
	if err := ctx.Err(); err != nil {
		return channel.Result{}, channel.Temporary(fmt.Errorf("smpp: %w", err), 0)
	}
	m, err := c.compose(e)
	if err != nil {
		return channel.Result{}, err
	}
	k := newCall()
	s, err := c.acquireWindow(ctx, k)
	if err != nil {
		return channel.Result{}, err
	}
	period, ok := c.validityPeriod(e.Expires)
	if !ok {
		c.releaseWindow(s)
		return channel.Result{}, channel.Undeliverable(status.Expired, "smpp: the message expired before it could be sent")
	}
	m.common.ValidityPeriod = period

	var o outcome
	taken := 0 // number of parts
	for taken < len(m.parts) {
		k.message = m.part(taken)
		if o = s.submit(ctx, k); !c.isTaken(o, e.Try) {
			break
		}
		taken++
	}
	if o.status == pdu.RINVBNDSTS || o.status == pdu.RALYBND { // the SMSC's state of the session differs from ours
		c.rebindSession(s)
	}
	if !o.abandoned {
		c.releaseWindow(s)
	}
	return c.resultOf(ctx, o, e.Try, taken > 0)
}

// isTaken reports whether an outcome means that the SMSC took the part.
func (c *Channel) isTaken(o outcome, try int) bool {
	v := c.verdictOf(o.status, try)
	return o.err == nil && (v.Status == status.Accepted || v.Status == status.Delivered)
}

// resultOf returns the result of a message from the outcome of its last submit_sm. If an
// earlier part was taken, only a final refusal is certain; any other failure is in doubt.
func (c *Channel) resultOf(ctx context.Context, o outcome, try int, partly bool) (channel.Result, error) {
	if o.err != nil {
		if o.maybeTaken || partly {
			return channel.Result{}, channel.InDoubt(o.err)
		}
		return channel.Result{}, channel.Temporary(o.err, 0)
	}
	v := c.verdictOf(o.status, try)
	if c.isTaken(o, try) {
		return channel.Result{Status: v.Status, ProviderID: c.config.IDs.Submit.normalize(o.id)}, nil
	}
	if v.Status == status.Failed {
		c.config.Logger.ErrorContext(ctx, "smpp: the smsc does not understand a request", "status", o.status.String())
	}
	if partly && v.Status == status.Preparing {
		v.Reason = status.InDoubt
	}
	return channel.Result{}, v.Error("smpp: the answer is "+o.status.String(), 0)
}

// Close stops taking messages, waits for pending answers, and unbinds. It returns when no
// goroutine is left. After Config.CloseTimeout it cuts the remaining sessions and returns
// an error.
func (c *Channel) Close() error {
	c.mu.Lock()
	c.stopBinding()
	c.refuseWaiting(channel.Temporary(errClosed, 0))
	for _, l := range c.links {
		if l.session != nil {
			c.drainSession(l.session, pdu.PDU{ID: pdu.Unbind})
		}
	}
	c.mu.Unlock()

	unbound := make(chan struct{})
	go func() {
		c.linkLoops.Wait()
		close(unbound)
	}()
	patience, cancel := context.WithTimeout(context.Background(), c.config.CloseTimeout)
	defer cancel()
	var err error
	select {
	case <-unbound:
	case <-patience.Done():
		err = fmt.Errorf("smpp: close: not all sessions were unbound within %v", c.config.CloseTimeout)
	}
	c.cutSessions()
	<-unbound
	return err
}

// now returns the real time, which the deadlines of the network use.
func now() time.Time { return realClock{}.Now() }
