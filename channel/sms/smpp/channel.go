// Package smpp sends text messages to a carrier or an aggregator over SMPP 3.4, and
// hears of them over the same sessions.
//
//	ch, err := smpp.New(smpp.Config{
//		Addr:     "smpp.example.com:2775",
//		SystemID: "acme",
//		Password: os.Getenv("SMPP_PASSWORD"),
//		Source:   "ACME",
//	})
//	defer ch.Close()
//
// # What an answer means
//
// A message is [channel.InDoubt] if it was written and no answer came: SMPP has no key
// by which an SMSC would know it again. It is [channel.Temporary] only if it was
// certainly not taken: no bind was up, the link was gone before the last octet of the
// message was written, or the SMSC answered with an error that may pass. If no bind
// comes up for what the account has wrong, messages are undeliverable
// (authorization), and so go on to the next step of their route.
//
// # Long messages
//
// A text of several segments is as many messages to SMPP (except with [Payload]). They
// are sent one after the other over one session, and a receipt is asked for with the
// last one alone; its ID is the message's. So what a crash forgets is nothing, no
// receipt comes that belongs to no message, and what is not known is whether the
// segments before the last one arrived: carriers keep segments of a message together,
// but do not promise it.
//
// If a segment is refused for a fault that may pass, or stays without an answer, after
// another was taken, the message is in doubt: to send it again sends that one again.
// All tries of an attempt use the same reference, so to a handset the copies of a
// segment are one.
//
// # Sessions
//
// New starts nothing. The first Send or Listen starts Config.Binds sessions, which
// are bound again whenever they are lost, until Close. Each counts its own window. A
// Send waits for a bind that is being made, and for room in a window, until its context
// ends.
//
// "The specification" is the Short Message Peer to Peer Protocol Specification v3.4,
// issue 1.2. Package pdu beneath has its wire format.
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
type Channel struct {
	config Config
	source pdu.Address

	// Dialing ends when Close is called, living when it has waited long enough.
	dialing, living context.Context
	stop, cut       context.CancelFunc
	running         sync.WaitGroup // the links

	mu        sync.Mutex
	links     []*link // nil until they are started
	turn      int     // whose turn it is, of sessions with as much room
	waiting   list.List
	listeners []*listener
}

// New returns a channel. It connects to nobody yet.
func New(c Config) (*Channel, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	ch := &Channel{config: c, source: c.source()}
	ch.dialing, ch.stop = context.WithCancel(context.Background())
	ch.living, ch.cut = context.WithCancel(context.Background())
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
	s, err := c.acquire(ctx, k)
	if err != nil {
		return channel.Result{}, err
	}
	period, ok := c.validity(e.Expires)
	if !ok {
		c.release(s)
		return channel.Result{}, channel.Undeliverable(status.Expired, "smpp: the message expired before it could be sent")
	}
	m.common.ValidityPeriod = period

	var o outcome
	taken := 0 // parts
	for taken < len(m.parts) {
		k.message = m.part(taken)
		if o = s.submit(ctx, k); !c.took(o, e.Try) {
			break
		}
		taken++
	}
	if o.status == pdu.RINVBNDSTS || o.status == pdu.RALYBND { // it takes the session for another than it is
		c.renew(s)
	}
	if !o.abandoned {
		c.release(s)
	}
	return c.result(ctx, o, e.Try, taken > 0)
}

// took reports whether the SMSC took the part of a message with that outcome.
func (c *Channel) took(o outcome, try int) bool {
	v := c.verdict(o.status, try)
	return o.lost == nil && (v.Status == status.Accepted || v.Status == status.Delivered)
}

// result returns what comes of a message with the outcome of its last submit_sm. If
// some part of it was taken before, nothing is certain but a refusal for good.
func (c *Channel) result(ctx context.Context, o outcome, try int, partly bool) (channel.Result, error) {
	if o.lost != nil {
		if o.written || partly {
			return channel.Result{}, channel.InDoubt(o.lost)
		}
		return channel.Result{}, channel.Temporary(o.lost, 0)
	}
	v := c.verdict(o.status, try)
	if c.took(o, try) {
		return channel.Result{Status: v.Status, ProviderID: c.config.IDs.Submit.normal(o.id)}, nil
	}
	if v.Status == status.Failed {
		c.config.Logger.ErrorContext(ctx, "smpp: the smsc does not understand a request", "status", o.status.String())
	}
	if partly && v.Status == status.Preparing {
		v.Reason = status.InDoubt
	}
	return channel.Result{}, v.Error("smpp: the answer is "+o.status.String(), 0)
}

// Close stops taking messages, waits for the answers to those under way, unbinds, and
// returns when nothing is left running. What takes longer than Config.CloseTimeout is
// cut off, and is its error.
func (c *Channel) Close() error {
	c.mu.Lock()
	c.stop()
	c.refuse(channel.Temporary(errClosed, 0))
	for _, l := range c.links {
		if l.session != nil {
			c.drain(l.session, pdu.PDU{ID: pdu.Unbind})
		}
	}
	c.mu.Unlock()

	unbound := make(chan struct{})
	go func() {
		c.running.Wait()
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
	c.cut()
	<-unbound
	return err
}

// now is for deadlines of the network, which go by the real clock.
func now() time.Time { return wall{}.Now() }
