package smpp

import (
	"context"
	"errors"
	"math/big"
	"slices"
	"strings"
	"sync"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms/smpp/pdu"
	"github.com/smsplus/smsplus-go/status"
)

// listener is a running Listen.
type listener struct {
	ctx   context.Context
	sink  channel.Sink
	calls sync.WaitGroup // running calls of the sink
}

// delivery is a receipt, and the request that it came with.
type delivery struct {
	request pdu.PDU // without its body
	receipt channel.Receipt
}

var errNoListener = errors.New("smpp: nobody listens")

// Listen hands receipts to the sink until ctx ends, or the channel is closed. It
// acknowledges a receipt to the SMSC when the sink has stored it. If the sink refuses, or
// while no Listen runs, it asks the SMSC to repeat. Sessions and their messages outlive
// Listen.
func (c *Channel) Listen(ctx context.Context, sink channel.Sink) error {
	l := &listener{ctx: ctx, sink: sink}
	c.mu.Lock()
	if c.bindCtx.Err() != nil {
		c.mu.Unlock()
		return errClosed
	}
	c.startLinks()
	c.listeners = append(c.listeners, l)
	c.mu.Unlock()

	err := errClosed
	select {
	case <-ctx.Done():
		err = ctx.Err()
	case <-c.bindCtx.Done():
	}
	c.mu.Lock()
	i := slices.Index(c.listeners, l)
	c.listeners = slices.Delete(c.listeners, i, i+1)
	c.mu.Unlock()
	l.calls.Wait()
	return err
}

// storeReceipts hands receipts to the sink of the latest Listen.
func (c *Channel) storeReceipts(ctx context.Context, rs []channel.Receipt) error {
	c.mu.Lock()
	if len(c.listeners) == 0 {
		c.mu.Unlock()
		return errNoListener
	}
	l := c.listeners[len(c.listeners)-1]
	l.calls.Add(1)
	c.mu.Unlock()
	defer l.calls.Done()

	listening, end := context.WithCancel(l.ctx)
	defer end()
	defer context.AfterFunc(ctx, end)()
	return l.sink(listening, rs...)
}

// handleDelivery queues a receipt, which is answered when it is stored. It acknowledges and
// drops a message that a person wrote.
func (s *session) handleDelivery(ctx context.Context, p pdu.PDU, malformed bool) {
	r, ok := pdu.ParseReceipt(p.Body)
	switch {
	case malformed:
		s.c.config.Logger.WarnContext(ctx, "smpp: delivery is cut off", "command_id", p.ID.String())
		s.enqueueReply(p, pdu.RXPAPPN)
		return
	case !ok:
		s.c.config.Logger.DebugContext(ctx, "smpp: delivery is no receipt; it is dropped", "command_id", p.ID.String())
		s.enqueueReply(p, pdu.ROK)
		return
	}
	p.Body = nil
	select {
	case s.deliveries <- delivery{request: p, receipt: s.c.receiptOf(r)}:
	default:
		s.enqueueReply(p, pdu.RXTAPPN)
	}
}

// deliverLoop hands receipts to the sink, all that have come in one call, and answers them.
func (s *session) deliverLoop(ctx context.Context) error {
	for {
		var batch []delivery
		select {
		case d := <-s.deliveries:
			batch = append(batch, d)
		case <-ctx.Done():
			return ctx.Err()
		}
		for len(batch) < maxSinkBatch && len(s.deliveries) > 0 {
			batch = append(batch, <-s.deliveries)
		}
		rs := make([]channel.Receipt, len(batch))
		for i, d := range batch {
			rs[i] = d.receipt
		}
		answer := pdu.ROK
		if err := s.c.storeReceipts(ctx, rs); err != nil {
			answer = pdu.RXTAPPN
			s.c.config.Logger.WarnContext(ctx, "smpp: receipts are not stored; the smsc is to repeat them", "receipts", len(rs), "error", err)
		}
		for _, d := range batch {
			s.enqueueReply(d.request, answer)
		}
	}
}

// receiptOf converts a receipt of the SMSC.
func (c *Channel) receiptOf(r pdu.Receipt) channel.Receipt {
	v, ok := c.config.States[r.State]
	if !ok {
		v = stateVerdicts[r.State] // an unknown state is Preparing, which reports nothing new
	}
	got := channel.Receipt{Channel: c.config.Name, ProviderID: c.config.IDs.messageID(r), Status: v.Status}
	if v.Status == status.Undeliverable || v.Status == status.Failed {
		got.Reason, got.Detail = v.Reason, detailOf(r)
	}
	if c.config.Location != nil && v.Status > status.Accepted {
		got.At = r.DoneAt(c.config.Location, c.config.Clock.Now())
	}
	return got
}

// detailOf returns the carrier's state and codes. It leaves out a code that is longer than
// codes are, because it may quote anything.
func detailOf(r pdu.Receipt) string {
	d := r.State.String()
	if code := r.Err; code != "" && len(code) <= maxCode {
		d += " err " + strings.ToValidUTF8(code, "")
	}
	if r.NetworkError != "" {
		d += " network " + r.NetworkError
	}
	return d
}

const maxCode = 5

// messageID returns the ID of the message that a receipt is about. By the specification
// (section 5.3.2.12) the parameter has the ID of the answer, in the answer's format, and
// only the text may use another format. A parameter that is equal to the text's ID is in
// the text's format.
func (ids IDs) messageID(r pdu.Receipt) string {
	if Raw.normalize(r.ID) == Raw.normalize(r.TextID) {
		return ids.Receipt.normalize(r.ID)
	}
	return ids.Submit.normalize(r.ID)
}

// normalize returns an ID in the form that is compared: hexadecimal numbers in decimal, in
// lower case, without leading zeros.
func (f IDFormat) normalize(id string) string {
	if f == Hex && len(id) <= maxID {
		if n, ok := new(big.Int).SetString(id, 16); ok && n.Sign() >= 0 {
			return n.String()
		}
	}
	id = strings.ToLower(id)
	if short := strings.TrimLeft(id, "0"); short != "" || id == "" {
		return short
	}
	return "0"
}

// maxID is far beyond the longest ID, which has 64 characters (section 5.2.23).
const maxID = 1024
