package smpp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/smsplus/smsplus-go/channel/sms/smpp/pdu"
)

// session is one bind, from the moment that the SMSC took it. Four loops serve it:
// read, write, tend and deliver. The first that returns ends it.
type session struct {
	c    *Channel
	conn net.Conn

	// Of receive.
	in     *bufio.Reader
	header [pdu.HeaderLength]byte
	body   []byte

	wake       chan struct{} // there is something to write
	deliveries chan delivery // receipts to be stored and then answered
	drained    chan struct{} // closed when the last message of a draining session is answered

	// Guarded by Channel.mu.
	taken    int // room in the window
	draining bool
	farewell pdu.PDU

	mu       sync.Mutex
	sequence uint32
	pending  map[uint32]*call // by sequence number; nil when the session is over
	queue    []outgoing
	written  uint64    // octets that the connection took
	heard    time.Time // when the SMSC last said something
	asked    time.Time // when it was asked whether it is there; zero if it has said something since
}

// outgoing is a PDU that is to be written.
type outgoing struct {
	wire []byte
	call *call // of a submit_sm
	last bool  // the session ends with it
}

var (
	errUnbound = errors.New("smpp: unbound")
	errSilent  = errors.New("smpp: the smsc is silent")
	errDown    = errors.New("smpp: the link is down")
)

const (
	maxSequence   = 0x7FFFFFFF // section 3.2
	maxDeliveries = 250        // receipts that wait for the sink
	maxBatch      = 100        // of these, those that it gets at once
	readBuffer    = 16 << 10
)

func newSession(c *Channel, conn net.Conn) *session {
	return &session{
		c:          c,
		conn:       conn,
		in:         bufio.NewReaderSize(conn, readBuffer),
		wake:       make(chan struct{}, 1),
		deliveries: make(chan delivery, maxDeliveries),
		drained:    make(chan struct{}),
		pending:    make(map[uint32]*call),
		heard:      now(),
	}
}

// run serves the session until it ends, and returns why. Then the link is cut, and
// nothing is left running.
func (s *session) run(ctx context.Context) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	stop := context.AfterFunc(ctx, func() { _ = s.conn.Close() }) // whoever reads or writes gets the error
	defer stop()
	var loops sync.WaitGroup
	for _, loop := range []func(context.Context) error{s.read, s.write, s.tend, s.deliver} {
		loops.Go(func() { end(loop(ctx)) })
	}
	loops.Wait()
	return context.Cause(ctx)
}

// forget lets those who wait for an answer know that none will come, and why.
func (s *session) forget(why error) {
	s.mu.Lock()
	pending, written := s.pending, s.written
	s.pending = nil
	s.mu.Unlock()
	for _, k := range pending {
		k.finish(s, outcome{lost: fmt.Errorf("%w: %w", errDown, why), written: k.begun && k.end <= written})
	}
}

// next returns the next sequence number. It is called with s.mu held, or before the
// session runs.
func (s *session) next() uint32 {
	for {
		s.sequence = s.sequence%maxSequence + 1
		if s.pending[s.sequence] == nil {
			return s.sequence
		}
	}
}

// receive reads a PDU. After pdu.ErrBody the session can go on.
func (s *session) receive() (pdu.PDU, error) {
	if _, err := io.ReadFull(s.in, s.header[:]); err != nil {
		return pdu.PDU{}, err
	}
	h, err := pdu.ParseHeader(s.header[:])
	if err != nil {
		return pdu.PDU{}, err
	}
	size := int(h.Length) - pdu.HeaderLength
	s.body = slices.Grow(s.body[:0], size)[:size]
	if _, err := io.ReadFull(s.in, s.body); err != nil {
		return pdu.PDU{}, err
	}
	return pdu.Parse(h, s.body)
}

func (s *session) read(ctx context.Context) error {
	for {
		p, err := s.receive()
		malformed := errors.Is(err, pdu.ErrBody)
		if err != nil && !malformed {
			return fmt.Errorf("smpp: read: %w", err)
		}
		s.mu.Lock()
		s.heard, s.asked = now(), time.Time{}
		s.mu.Unlock()
		if err := s.handle(ctx, p, malformed); err != nil {
			return err
		}
	}
}

// handle does what a PDU of the SMSC's asks for.
func (s *session) handle(ctx context.Context, p pdu.PDU, malformed bool) error {
	switch p.ID {
	case pdu.SubmitSMResp:
		s.answered(p.Sequence, outcome{status: p.Status, id: p.Body.(*pdu.MessageResp).MessageID})
	case pdu.GenericNack:
		s.answered(p.Sequence, outcome{status: nack(p.Status)})
	case pdu.EnquireLink:
		s.reply(p, pdu.ROK)
	case pdu.DeliverSM, pdu.DataSM:
		s.delivered(ctx, p, malformed)
	case pdu.Unbind:
		s.c.mu.Lock()
		first := s.c.drain(s, pdu.PDU{ID: pdu.UnbindResp, Sequence: p.Sequence})
		s.c.mu.Unlock()
		if !first {
			s.reply(p, pdu.ROK)
		}
	case pdu.UnbindResp:
		return errUnbound
	case pdu.AlertNotification:
	default:
		if !p.ID.IsResponse() {
			s.c.config.Logger.WarnContext(ctx, "smpp: unknown request", "command_id", p.ID.String())
			s.say(outgoing{}, pdu.PDU{ID: pdu.GenericNack, Status: pdu.RINVCMDID, Sequence: p.Sequence})
		}
	}
	return nil
}

// nack returns the status of a generic_nack, which is never one of success.
func nack(s pdu.Status) pdu.Status {
	if s == pdu.ROK {
		return pdu.RUNKNOWNERR
	}
	return s
}

// reply queues the response to a request.
func (s *session) reply(to pdu.PDU, status pdu.Status) {
	r := pdu.PDU{ID: to.ID.Response(), Status: status, Sequence: to.Sequence}
	if to.ID == pdu.DeliverSM || to.ID == pdu.DataSM {
		r.Body = &pdu.MessageResp{}
	}
	s.say(outgoing{}, r)
}

// say queues a PDU that is no submit_sm. A request gets its sequence number here.
func (s *session) say(o outgoing, p pdu.PDU) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !p.ID.IsResponse() {
		p.Sequence = s.next()
	}
	o.wire, _ = pdu.Append(nil, p) // no field of these can be wrong
	s.enqueue(o)
}

// enqueue is called with s.mu held.
func (s *session) enqueue(o outgoing) {
	s.queue = append(s.queue, o)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// write writes what is queued, all of it at once whenever there is something.
func (s *session) write(ctx context.Context) error {
	var (
		batch []outgoing
		out   []byte
		begun uint64 // octets
	)
	for {
		select {
		case <-s.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
		last, at := false, now()
		out = out[:0]
		clear(batch)
		s.mu.Lock()
		batch, s.queue = s.queue, batch[:0]
		for _, o := range batch {
			if o.call != nil && o.call.withdrawn {
				continue
			}
			out = append(out, o.wire...)
			begun += uint64(len(o.wire))
			if o.call != nil {
				o.call.begun, o.call.at, o.call.end = true, at, begun
			}
			if last = o.last; last {
				break
			}
		}
		s.mu.Unlock()
		if len(out) == 0 {
			continue
		}
		if err := s.conn.SetWriteDeadline(at.Add(s.c.config.ResponseTimeout)); err != nil {
			return fmt.Errorf("smpp: write: %w", err)
		}
		n, err := s.conn.Write(out)
		s.mu.Lock()
		s.written += uint64(n)
		s.mu.Unlock()
		if err != nil {
			return fmt.Errorf("smpp: write: %w", err)
		}
		if last {
			return errUnbound
		}
	}
}

// tend gives up on answers that take too long, asks a silent SMSC whether it is there,
// and says the farewell of a draining session.
func (s *session) tend(ctx context.Context) error {
	for {
		wait, err := s.check(now())
		if err != nil {
			return err
		}
		alarm, off := context.WithTimeout(ctx, wait)
		select {
		case <-alarm.Done():
			off()
		case <-s.drained:
			off()
			s.c.mu.Lock()
			farewell := s.farewell
			s.c.mu.Unlock()
			s.say(outgoing{last: farewell.ID.IsResponse()}, farewell)
			pause(ctx, s.c.config.ResponseTimeout)
			return errUnbound
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// check does what is due, and returns how long nothing else will be.
func (s *session) check(at time.Time) (time.Duration, error) {
	late, ask, wait, err := s.due(at)
	for _, k := range late {
		k.finish(s, outcome{lost: errUnanswered, written: true})
	}
	if ask {
		s.say(outgoing{}, pdu.PDU{ID: pdu.EnquireLink})
	}
	return wait, err
}

// due returns the calls whose answer is overdue, which are no longer pending, and
// whether to ask the SMSC if it is there. What is queued later is due later.
func (s *session) due(at time.Time) (late []*call, ask bool, wait time.Duration, err error) {
	patience := s.c.config.ResponseTimeout
	wait = min(patience, s.c.config.EnquireInterval)
	s.mu.Lock()
	defer s.mu.Unlock()
	for sequence, k := range s.pending {
		if !k.begun || k.end > s.written { // writing has a deadline of its own
			continue
		}
		if left := k.at.Add(patience).Sub(at); left > 0 {
			wait = min(wait, left)
			continue
		}
		delete(s.pending, sequence)
		late = append(late, k)
	}
	switch silence := at.Sub(s.heard); {
	case !s.asked.IsZero():
		left := s.asked.Add(patience).Sub(at)
		if left <= 0 {
			return late, false, 0, errSilent
		}
		wait = min(wait, left)
	case silence >= s.c.config.EnquireInterval:
		s.asked = at
		ask = true
	default:
		wait = min(wait, s.c.config.EnquireInterval-silence)
	}
	return late, ask, wait, nil
}
