package smpp

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms/smpp/pdu"
	"github.com/smsplus/smsplus-go/internal/mask"
	"github.com/smsplus/smsplus-go/status"
)

// Channel is an account at an SMSC. It is a [channel.Listener], a [channel.Querier], a
// [channel.ContentChecker] and a [channel.Sizer], and safe for concurrent use.
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

	unfinished     *memory[uuid.UUID, *call]   // by attempt: the calls that a later Send continues
	partGroups     *memory[string, *partGroup] // by part: the messages of several parts
	rawIDs         *memory[string, string]     // by part: its ID as the SMSC wrote it
	unreadReceipts atomic.Uint64

	mu        sync.Mutex
	links     []*link // nil until they are started
	nextLink  int     // the link to prefer among sessions with equal load
	waiting   list.List
	listeners []*listener
}

const (
	maxUnfinished = 10_000  // attempts whose Send ended before the answer, or between parts
	maxParts      = 100_000 // parts whose receipts are recognized
)

// New returns a channel. It makes no connection.
func New(c Config) (*Channel, error) {
	if err := c.prepare(); err != nil {
		return nil, err
	}
	ch := &Channel{
		config: c, source: c.sourceAddress(),
		unfinished: newMemory[uuid.UUID, *call](maxUnfinished), partGroups: newMemory[string, *partGroup](maxParts),
		rawIDs: newMemory[string, string](maxParts),
	}
	ch.bindCtx, ch.stopBinding = context.WithCancel(context.Background())
	ch.sessionCtx, ch.cutSessions = context.WithCancel(context.Background())
	return ch, nil
}

// Format writes the channel without its account's credentials, whatever the verb.
func (c *Channel) Format(f fmt.State, _ rune) {
	mask.Writef(f, "smpp.Channel(%s at %s)", c.config.Name, c.config.Addr)
}

// Name returns Config.Name.
func (c *Channel) Name() channel.Name { return c.config.Name }

// Traits returns the channel's traits.
func (c *Channel) Traits() channel.Traits {
	return channel.Traits{Machine: status.SMS, Validity: c.config.Validity, Expires: c.config.ValidityForm != NoValidity}
}

var errClosed = errors.New("smpp: the channel is closed")

// Send hands the message to the SMSC. If an earlier Send of the attempt ended before the
// answer came, it waits for that answer instead of sending again, as long as the session
// expects it. Parts that the SMSC took in an earlier Send are not sent again.
func (c *Channel) Send(ctx context.Context, e channel.Envelope) (channel.Result, error) {
	if err := ctx.Err(); err != nil {
		return channel.Result{}, channel.Temporary(fmt.Errorf("smpp: %w", err), 0)
	}
	m, err := c.composeSubmission(e)
	if err != nil {
		return channel.Result{}, err
	}
	k, o := c.continueCall(ctx, newCall(e.AttemptID, m))
	result, err := c.sendParts(ctx, k, o, e)
	if k.placed {
		k.placed = false
		c.releaseWindow(k.session)
	}
	k.group.endSend()
	if fault, ok := errors.AsType[*channel.Error](err); ok && fault.Status() == status.Preparing && k.session != nil {
		c.unfinished.put(k.attempt, k)
	}
	return result, err
}

// continueCall returns the call of an earlier Send of the attempt, or k with its progress,
// and the answer to the part that was submitted last. Without such a call it returns k.
func (c *Channel) continueCall(ctx context.Context, k *call) (*call, *outcome) {
	before, ok := c.unfinished.take(k.attempt)
	if !ok || len(before.parts) != len(k.parts) {
		return k, nil
	}
	before.group.beginSend()
	k.ids, k.group, k.session = before.ids, before.group, before.session
	switch k.session.resumeCall(before) {
	case awaitsAnswer:
		o := before.session.awaitAnswer(ctx, before)
		return before, &o
	case hasAnswer:
		return k, &before.outcome
	default:
		return k, nil
	}
}

// sendParts submits the parts that the SMSC has not taken, one after the other. The outcome
// of the part that was submitted last is o, or nil.
func (c *Channel) sendParts(ctx context.Context, k *call, o *outcome, e channel.Envelope) (channel.Result, error) {
	for try := e.Try; ; {
		switch {
		case o == nil:
		case c.isTaken(*o, try):
			c.addPart(k, o.id)
			try = e.Try
		case c.pauseBeforePart(ctx, k, *o, try):
			try++
		default:
			return channel.Result{}, c.refusalOf(ctx, *o, try)
		}
		if len(k.ids) == len(k.parts) {
			v := c.verdictOf(o.status, e.Try)
			return channel.Result{Status: v.Status, ProviderID: c.config.PartReceipts.wholeID(k.ids)}, nil
		}
		if err := c.placeCall(ctx, k, e.Expires); err != nil {
			return channel.Result{}, err
		}
		k.message = k.part(len(k.ids), c.config.PartReceipts)
		next := k.session.submitCall(ctx, k)
		o = &next
	}
}

// placeCall takes a place in a window for a call that has none, and sets the validity of its
// message.
func (c *Channel) placeCall(ctx context.Context, k *call, expires time.Time) error {
	if k.placed {
		return nil
	}
	s, err := c.acquireWindow(ctx, k)
	if err != nil {
		return err
	}
	k.session, k.placed = s, true
	period, ok := c.validityPeriod(expires)
	if !ok {
		return channel.Undeliverable(status.Expired, "smpp: the message expired before it could be sent")
	}
	k.common.ValidityPeriod = period
	return nil
}

// partPause is the wait before a part is sent again that was refused for now.
const partPause = time.Second

// pauseBeforePart waits if a later part was refused for now, and reports whether to send it
// again. The SMSC keeps the message incomplete until then.
func (c *Channel) pauseBeforePart(ctx context.Context, k *call, o outcome, try int) bool {
	v := c.verdictOf(o.status, try)
	if len(k.ids) == 0 || o.err != nil || v.Status != status.Preparing || v.Reason == status.InDoubt || isBindFault(o.status) {
		return false
	}
	sleepFor(ctx, partPause)
	return ctx.Err() == nil
}

// isTaken reports whether an outcome means that the SMSC took the part.
func (c *Channel) isTaken(o outcome, try int) bool {
	v := c.verdictOf(o.status, try)
	return o.err == nil && (v.Status == status.Accepted || v.Status == status.Delivered)
}

// isBindFault reports whether the SMSC's state of the session differs from ours.
func isBindFault(s pdu.Status) bool { return s == pdu.RINVBNDSTS || s == pdu.RALYBND }

// refusalOf returns the error of a message whose latest part the SMSC did not take, or may
// not have taken.
func (c *Channel) refusalOf(ctx context.Context, o outcome, try int) error {
	switch {
	case o.maybeTaken:
		return channel.InDoubt(o.err)
	case o.err != nil:
		return channel.Temporary(o.err, 0)
	}
	v := c.verdictOf(o.status, try)
	if v.Status == status.Failed {
		c.config.Logger.ErrorContext(ctx, "smpp: the smsc does not understand a request", "status", o.status.String())
	}
	return v.Error("smpp: the answer is "+o.status.String(), 0)
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
