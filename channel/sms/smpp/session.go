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

// session is one bind, from the moment that the SMSC accepted it. Four loops serve it:
// readLoop, writeLoop, keepAliveLoop and deliverLoop. The first loop that returns ends the
// session.
//
// pending holds each call from its queueing until its answer, its timeout, its withdrawal or
// the end of the session. overdue holds the calls that timed out, until the answer comes
// after all. inFlight counts the places in the window that calls hold.
type session struct {
	c    *Channel
	conn net.Conn

	// early are the PDUs that came before the answer to the bind. They belong to handshake, and
	// then to readLoop.
	early []received

	// These fields belong to readPDU.
	reader    *bufio.Reader
	headerBuf [pdu.HeaderLength]byte
	bodyBuf   []byte

	wake       chan struct{} // there is something to write
	deliveries chan delivery // receipts to be stored and then answered
	drained    chan struct{} // closed when the last message of a draining session is answered

	// These fields are guarded by Channel.mu. inFlight ≤ Config.Window.
	inFlight int // places of the window in use
	draining bool
	lastPDU  pdu.PDU

	mu            sync.Mutex
	sequence      uint32
	pending       map[uint32]*call // the calls without an outcome, by sequence number; nil when the session is over
	overdue       map[uint32]lateCall
	requests      map[uint32]chan<- pdu.PDU // other requests that wait for their answers; nil when the session is over
	queue         []outgoing
	writtenOctets uint64    // octets that the connection took
	lastHeard     time.Time // when the SMSC last sent a PDU
	enquiredAt    time.Time // when the last enquire_link was queued; zero if the SMSC has sent anything since

	warned map[string]bool // the kinds of warnings that were logged; it belongs to readLoop
}

// received is a PDU of the SMSC. The body of a malformed one is cut off.
type received struct {
	pdu       pdu.PDU
	malformed bool
}

// outgoing is a PDU that is queued for the connection.
type outgoing struct {
	wire        []byte
	call        *call // of a submit_sm, otherwise nil
	endsSession bool  // the session ends after it
}

var (
	errUnbound  = errors.New("smpp: unbound")
	errSilent   = errors.New("smpp: the smsc is silent")
	errLinkDown = errors.New("smpp: the link is down")
	errFlooded  = errors.New("smpp: the smsc sends requests and does not read the answers")
)

const (
	maxSequence       = 0x7FFFFFFF // section 3.2
	maxQueuedReceipts = 250        // receipts that wait for the sink
	maxSinkBatch      = 100        // receipts in one call of the sink
	maxQueuedReplies  = 1000       // answers that wait for the connection
	maxEarly          = 100        // PDUs before the answer to the bind
	readBuffer        = 16 << 10
)

func newSession(c *Channel, conn net.Conn) *session {
	return &session{
		c:          c,
		conn:       conn,
		reader:     bufio.NewReaderSize(conn, readBuffer),
		wake:       make(chan struct{}, 1),
		deliveries: make(chan delivery, maxQueuedReceipts),
		drained:    make(chan struct{}),
		pending:    make(map[uint32]*call),
		overdue:    make(map[uint32]lateCall),
		requests:   make(map[uint32]chan<- pdu.PDU),
		warned:     make(map[string]bool),
		lastHeard:  now(),
	}
}

// run serves the session until it ends, and returns the reason. It closes the connection
// and leaves no goroutine running.
func (s *session) run(ctx context.Context) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	stop := context.AfterFunc(ctx, func() { _ = s.conn.Close() }) // pending reads and writes then fail
	defer stop()
	var loops sync.WaitGroup
	for _, loop := range []func(context.Context) error{s.readLoop, s.writeLoop, s.keepAliveLoop, s.deliverLoop} {
		loops.Go(func() { end(loop(ctx)) })
	}
	loops.Wait()
	return context.Cause(ctx)
}

// failPending ends all pending calls with an error, and all other requests. A call may be taken
// only if its last octet was written.
func (s *session) failPending(why error) {
	s.mu.Lock()
	pending, written := s.pending, s.writtenOctets
	s.pending = nil
	for _, answers := range s.requests {
		close(answers)
	}
	s.requests = nil
	s.mu.Unlock()
	for _, k := range pending {
		k.finish(s, k.abandoned, outcome{err: fmt.Errorf("%w: %w", errLinkDown, why), maybeTaken: k.writing && k.endOffset <= written})
	}
}

// nextSequence returns the next free sequence number. It is called with s.mu held, or
// before the session runs.
func (s *session) nextSequence() uint32 {
	for {
		s.sequence = s.sequence%maxSequence + 1
		_, isLate := s.overdue[s.sequence]
		if !isLate && s.pending[s.sequence] == nil && s.requests[s.sequence] == nil {
			return s.sequence
		}
	}
}

// readPDU reads a PDU. The session can continue after pdu.ErrBody.
func (s *session) readPDU() (pdu.PDU, error) {
	if _, err := io.ReadFull(s.reader, s.headerBuf[:]); err != nil {
		return pdu.PDU{}, err
	}
	h, err := pdu.ParseHeader(s.headerBuf[:])
	if err != nil {
		return pdu.PDU{}, err
	}
	size := int(h.Length) - pdu.HeaderLength
	s.bodyBuf = slices.Grow(s.bodyBuf[:0], size)[:size]
	if _, err := io.ReadFull(s.reader, s.bodyBuf); err != nil {
		return pdu.PDU{}, err
	}
	return pdu.Parse(h, s.bodyBuf)
}

// receivePDU reads a PDU, malformed or not. After an error the session cannot continue.
func (s *session) receivePDU() (received, error) {
	p, err := s.readPDU()
	malformed := errors.Is(err, pdu.ErrBody)
	if malformed {
		err = nil
	}
	return received{p, malformed}, err
}

func (s *session) readLoop(ctx context.Context) error {
	for _, r := range s.early {
		if err := s.handlePDU(ctx, r); err != nil {
			return err
		}
	}
	s.early = nil
	for {
		r, err := s.receivePDU()
		if err != nil {
			return fmt.Errorf("smpp: read: %w", err)
		}
		s.mu.Lock()
		s.lastHeard, s.enquiredAt = now(), time.Time{}
		flooded := len(s.queue) > s.c.config.Window+maxQueuedReplies
		s.mu.Unlock()
		if flooded {
			return errFlooded
		}
		if err := s.handlePDU(ctx, r); err != nil {
			return err
		}
	}
}

// handlePDU serves a PDU of the SMSC. Its error ends the session.
//
// Any answer may say that the SMSC does not regard the session as bound. A receiver sends
// nothing else than enquire_links, so no other answer would show why its receipts stay away.
func (s *session) handlePDU(ctx context.Context, r received) error {
	p := r.pdu
	if p.ID.IsResponse() && isBindFault(p.Status) {
		s.warnOnce(ctx, "smpp: the smsc does not regard the session as bound; it is bound again", p)
		s.c.rebindSession(s)
	}
	switch p.ID {
	case pdu.SubmitSMResp:
		s.finishCall(ctx, p.Sequence, outcome{status: p.Status, id: p.Body.(*pdu.MessageResp).MessageID})
	case pdu.QuerySMResp, pdu.CancelSMResp:
		s.finishRequest(p)
	case pdu.GenericNack:
		if s.finishRequest(p) {
			break
		}
		s.finishCall(ctx, p.Sequence, outcome{status: nackStatus(p.Status)})
	case pdu.EnquireLink:
		s.enqueueReply(p, pdu.ROK)
	case pdu.DeliverSM, pdu.DataSM:
		s.handleDelivery(ctx, p, r.malformed)
	case pdu.Unbind:
		s.c.mu.Lock()
		first := s.c.drainSession(s, pdu.PDU{ID: pdu.UnbindResp, Sequence: p.Sequence})
		s.c.mu.Unlock()
		if !first {
			s.enqueueReply(p, pdu.ROK)
		}
	case pdu.UnbindResp:
		return errUnbound
	case pdu.AlertNotification:
	default:
		if !p.ID.IsResponse() {
			s.warnOnce(ctx, "smpp: unknown request", p)
			s.enqueuePDU(outgoing{}, pdu.PDU{ID: pdu.GenericNack, Status: pdu.RINVCMDID, Sequence: p.Sequence})
		}
	}
	return nil
}

// warnOnce logs a warning about a PDU, once a session for each text: an SMSC that sends one
// such PDU sends many.
func (s *session) warnOnce(ctx context.Context, text string, p pdu.PDU) {
	if !s.warned[text] {
		s.warned[text] = true
		s.c.config.Logger.WarnContext(ctx, text, "command_id", p.ID.String()) //nolint:sloglint // every caller passes a constant
	}
}

// nackStatus returns the status of a generic_nack, which never means success.
func nackStatus(s pdu.Status) pdu.Status {
	if s == pdu.ROK {
		return pdu.RUNKNOWNERR
	}
	return s
}

// enqueueReply queues the response to a request.
func (s *session) enqueueReply(to pdu.PDU, status pdu.Status) {
	r := pdu.PDU{ID: to.ID.Response(), Status: status, Sequence: to.Sequence}
	if to.ID == pdu.DeliverSM || to.ID == pdu.DataSM {
		r.Body = &pdu.MessageResp{}
	}
	s.enqueuePDU(outgoing{}, r)
}

// enqueuePDU queues a PDU other than a submit_sm. It gives a request its sequence number.
func (s *session) enqueuePDU(o outgoing, p pdu.PDU) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !p.ID.IsResponse() {
		p.Sequence = s.nextSequence()
	}
	o.wire, _ = pdu.Append(nil, p) // no field of these PDUs can be invalid
	s.enqueueLocked(o)
}

// enqueueLocked queues a PDU and wakes the write loop. It is called with s.mu held.
func (s *session) enqueueLocked(o outgoing) {
	s.queue = append(s.queue, o)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// writeLoop writes all queued PDUs with one call, whenever there are any.
func (s *session) writeLoop(ctx context.Context) error {
	var (
		batch []outgoing
		out   []byte
		begun uint64 // octets passed to the connection
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
				o.call.writing, o.call.writtenAt, o.call.endOffset = true, at, begun
			}
			if last = o.endsSession; last {
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
		s.writtenOctets += uint64(n)
		s.mu.Unlock()
		if err != nil {
			return fmt.Errorf("smpp: write: %w", err)
		}
		if last {
			return errUnbound
		}
	}
}

// keepAliveLoop gives up on late answers, sends enquire_link to a silent SMSC, and sends
// the last PDU of a draining session.
func (s *session) keepAliveLoop(ctx context.Context) error {
	for {
		wait, err := s.runTimers(now())
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
			farewell := s.lastPDU
			s.c.mu.Unlock()
			s.enqueuePDU(outgoing{endsSession: farewell.ID.IsResponse()}, farewell)
			sleepFor(ctx, s.c.config.ResponseTimeout)
			return errUnbound
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// runTimers finishes overdue calls, sends a due enquire_link, and returns the time until
// the next timer.
func (s *session) runTimers(at time.Time) (time.Duration, error) {
	late, ask, wait, err := s.takeOverdue(at)
	for _, k := range late {
		k.finish(s, k.abandoned, outcome{err: errResponseTimeout, maybeTaken: true})
	}
	if ask {
		s.enqueuePDU(outgoing{}, pdu.PDU{ID: pdu.EnquireLink})
	}
	return wait, err
}

// takeOverdue removes the calls whose answer is overdue from pending and returns them. ask
// says whether to send an enquire_link. wait is the time until the next timer: a call that
// is queued later is due later.
func (s *session) takeOverdue(at time.Time) (late []*call, ask bool, wait time.Duration, err error) {
	patience := s.c.config.ResponseTimeout
	wait = min(patience, s.c.config.EnquireInterval)
	s.mu.Lock()
	defer s.mu.Unlock()
	for sequence, k := range s.pending {
		if !k.writing || k.endOffset > s.writtenOctets { // the write has a deadline of its own
			continue
		}
		if left := k.writtenAt.Add(patience).Sub(at); left > 0 {
			wait = min(wait, left)
			continue
		}
		delete(s.pending, sequence)
		s.rememberOverdue(k)
		late = append(late, k)
	}
	switch silence := at.Sub(s.lastHeard); {
	case !s.enquiredAt.IsZero():
		left := s.enquiredAt.Add(patience).Sub(at)
		if left <= 0 {
			return late, false, 0, errSilent
		}
		wait = min(wait, left)
	case silence >= s.c.config.EnquireInterval:
		s.enquiredAt = at
		ask = true
	default:
		wait = min(wait, s.c.config.EnquireInterval-silence)
	}
	return late, ask, wait, nil
}
