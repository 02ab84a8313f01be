package smpp

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/big"
	"slices"
	"strings"
	"sync"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms/smpp/pdu"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/status"
)

// listener is a running Listen.
type listener struct {
	ctx   context.Context
	sink  channel.Sink
	calls sync.WaitGroup // running calls of the sink
}

// delivery is a receipt, and the request that it came with. A late answer to a submit_sm
// has none.
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
	if !ok && !s.c.config.MarkedReceiptsOnly {
		r, ok = pdu.ParseUnmarkedReceipt(p.Body)
	}
	switch {
	case malformed:
		s.c.unreadReceipts.Add(1)
		s.warnOnce(ctx, "smpp: delivery is cut off", p)
		s.enqueueReply(p, pdu.RXPAPPN)
		return
	case !ok && pdu.LooksLikeReceipt(p.Body):
		s.c.unreadReceipts.Add(1)
		s.warnOnce(ctx, "smpp: delivery looks like a receipt, and cannot be read as one; see Config.MarkedReceiptsOnly", p)
		s.enqueueReply(p, pdu.ROK)
		return
	case !ok:
		s.c.config.Logger.DebugContext(ctx, "smpp: delivery is no receipt; it is dropped", "command_id", p.ID.String())
		s.enqueueReply(p, pdu.ROK)
		return
	}
	if !s.c.knowsState(r) {
		s.c.unreadReceipts.Add(1)
		s.warnOnce(ctx, "smpp: receipt has an unknown state; see Config.Words", p)
	}
	receipt, ok := s.c.receiptOf(r)
	receipt.To = s.c.recipientOf(p.Body)
	p.Body = nil
	if !ok {
		s.enqueueReply(p, pdu.RXTAPPN)
		return
	}
	select {
	case s.deliveries <- delivery{request: p, receipt: receipt}:
	default:
		s.enqueueReply(p, pdu.RXTAPPN)
	}
}

// UnreadReceipts returns how many deliveries looked like receipts and could not be read, or
// had an unknown state. The log has the first one of each session.
func (c *Channel) UnreadReceipts() uint64 { return c.unreadReceipts.Load() }

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
			if d.request.ID != 0 {
				s.enqueueReply(d.request, answer)
			}
		}
	}
}

// stateVerdict returns the meaning of a receipt's state, and whether it has one. An unknown
// state is Preparing, which reports nothing new.
func (c *Channel) stateVerdict(r pdu.Receipt) (channel.Verdict, bool) {
	if v, ok := c.config.Words[r.Word]; ok {
		return v, true
	}
	if v, ok := c.config.States[r.State]; ok {
		return v, true
	}
	if v, ok := rejectionVerdicts[r.Word]; ok && r.State == pdu.StateRejected {
		return v, true
	}
	v, ok := stateVerdicts[r.State]
	return v, ok
}

func (c *Channel) knowsState(r pdu.Receipt) bool {
	_, ok := c.stateVerdict(r)
	return ok
}

// receiptOf converts a receipt of the SMSC. It returns false if the SMSC is to repeat it
// later, because it is about a part of a message whose other parts are still being sent.
func (c *Channel) receiptOf(r pdu.Receipt) (channel.Receipt, bool) {
	v, _ := c.stateVerdict(r)
	id, counts, ok := c.partReceipt(c.config.IDs.messageID(r), v.Status)
	if !counts {
		v = channel.Verdict{}
	}
	got := channel.Receipt{Channel: c.config.Name, ProviderID: id, Status: v.Status}
	if v.Status == status.Undeliverable || v.Status == status.Failed {
		got.Reason, got.Detail = v.Reason, detailOf(r)
	}
	if c.config.Location != nil && v.Status > status.Accepted {
		got.At = r.DoneAt(c.config.Location, c.config.Clock.Now())
	}
	return got, ok
}

// recipientOf returns the number of the person whom a receipt is about, or none if the
// SMSC's form of it leaves any doubt. It is the receipt's source, or its destination if the
// source is our own.
func (c *Channel) recipientOf(b pdu.Body) phone.Number {
	var source, destination pdu.Address
	switch m := b.(type) {
	case *pdu.Message:
		source, destination = m.Source, m.Destination
	case *pdu.Data:
		source, destination = m.Source, m.Destination
	}
	if source.Addr != "" && source.Addr == c.source.Addr {
		source = destination
	}
	digits, international := strings.CutPrefix(source.Addr, "+")
	if rest, ok := strings.CutPrefix(digits, "00"); ok && !international {
		digits, international = rest, true
	}
	if n := c.config.National; n != nil && !international && source.TON != pdu.TONInternational {
		if rest, ok := strings.CutPrefix(digits, n.Prefix); ok {
			digits, international = n.CountryCode+rest, true
		}
	}
	if !international && source.TON != pdu.TONInternational {
		return phone.Number{}
	}
	n, _ := phone.Parse("+" + digits) // an error returns none
	return n
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
	if Raw.normalizeID(r.ID) == Raw.normalizeID(r.TextID) {
		return ids.Receipt.normalizeID(r.ID)
	}
	return ids.Submit.normalizeID(r.ID)
}

// normalizeID returns an ID in the form that is compared: hexadecimal numbers in decimal, in
// lower case, without hyphens, leading zeros and the spaces around it. A number in decimal
// digits that has the letters of a hexadecimal one is one: some SMSCs mix the two. Of an ID
// that is longer than any SMSC's it returns a hash, because many IDs are kept.
func (f IDFormat) normalizeID(id string) string {
	id = strings.ReplaceAll(strings.ToLower(strings.TrimSpace(id)), "-", "")
	if f != Raw {
		id = strings.TrimPrefix(id, "0x")
	}
	if (f == Hex || f == Decimal && !isDigits(id)) && len(id) <= maxID {
		if n, ok := new(big.Int).SetString(id, 16); ok && n.Sign() >= 0 {
			return n.String()
		}
	}
	short := strings.TrimLeft(id, "0")
	switch {
	case short == "" && id != "":
		return "0"
	case len(short) > maxID:
		sum := sha256.Sum256([]byte(short))
		return hex.EncodeToString(sum[:])
	default:
		return strings.Clone(short) // it may be a piece of a long text
	}
}

// maxID is far beyond the longest ID, which has 64 characters (section 5.2.23).
const maxID = 255
