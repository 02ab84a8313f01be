package smpp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms/smpp/pdu"
	"github.com/smsplus/smsplus-go/status"
)

// call is a Send of an attempt: it waits first for room in a window, then for the answer to
// each part of its message.
//
// Each part is removed from session.pending once. The code that removes it determines its
// outcome. A call whose Send has ended belongs to Channel.unfinished, until the attempt's
// next Send continues it.
type call struct {
	submission
	attempt uuid.UUID
	ids     []string // the IDs of the parts that the SMSC took, in order

	// ready gets a token when granted or refused, or the outcome, is set.
	ready   chan struct{}
	granted *session
	refused error
	outcome outcome

	session *session // of the latest part; nil before the first
	placed  bool     // its Send holds a place in the session's window
	group   *partGroup
	message pdu.Message

	// The fields below are guarded by session.mu while the call is pending.
	sequence  uint32
	writing   bool      // the write loop has taken it
	writtenAt time.Time // when the write loop took it
	endOffset uint64    // position of its last octet in the session's output
	withdrawn bool      // its Send has ended, and it must not be written
	abandoned bool      // its Send has ended after the write began
	answered  bool      // the answer came while it was abandoned; outcome has it
}

// outcome is the outcome of a submit_sm: the answer, or err if there is none.
type outcome struct {
	status pdu.Status
	id     string
	err    error
	// maybeTaken says that the SMSC may have the message despite err.
	maybeTaken bool
}

func newCall(attempt uuid.UUID, m submission) *call {
	return &call{submission: m, attempt: attempt, ready: make(chan struct{}, 1)}
}

// endWait ends a call's wait for room, with a session or with an error.
func (k *call) endWait(s *session, err error) {
	k.granted, k.refused = s, err
	k.ready <- struct{}{}
}

// finish sets the outcome of a call that is no longer pending. It gives back the place in
// the window of an abandoned call, whose Send is not there to do it.
func (k *call) finish(s *session, abandoned bool, o outcome) {
	if abandoned {
		s.c.releaseWindow(s)
		return
	}
	k.outcome = o
	k.ready <- struct{}{}
}

var errResponseTimeout = errors.New("smpp: the smsc has not answered in time")

// submitCall sends a message and waits for its answer, or until ctx ends.
func (s *session) submitCall(ctx context.Context, k *call) outcome {
	wire := make([]byte, 0, wireOverhead+len(k.message.Text()))
	wire, err := pdu.Append(wire, pdu.PDU{ID: pdu.SubmitSM, Body: &k.message})
	if err != nil {
		return outcome{err: err}
	}
	s.mu.Lock()
	if s.pending == nil {
		s.mu.Unlock()
		return outcome{err: errLinkDown}
	}
	k.sequence, k.writing = s.nextSequence(), false
	binary.BigEndian.PutUint32(wire[sequenceOffset:], k.sequence)
	s.pending[k.sequence] = k // before the write, because the answer may come at once
	s.enqueueLocked(outgoing{wire: wire, call: k})
	s.mu.Unlock()
	return s.awaitAnswer(ctx, k)
}

// awaitAnswer waits for the answer to a pending call, or until ctx ends.
func (s *session) awaitAnswer(ctx context.Context, k *call) outcome {
	select {
	case <-k.ready:
		return k.outcome
	case <-ctx.Done():
		return s.abandonCall(k, fmt.Errorf("smpp: no answer: %w", ctx.Err()))
	}
}

const (
	sequenceOffset = 12  // position of the sequence_number in a header (section 3.2)
	wireOverhead   = 128 // enough for the other fields of most messages
)

// abandonCall ends a Send's wait for the answer and returns the outcome. It withdraws a
// call that is not yet written. A written call stays pending and keeps its place in the
// window, because its answer may still come.
func (s *session) abandonCall(k *call, why error) outcome {
	s.mu.Lock()
	if s.pending[k.sequence] != k { // its outcome is already determined
		s.mu.Unlock()
		<-k.ready
		return k.outcome
	}
	defer s.mu.Unlock()
	if !k.writing {
		k.withdrawn = true
		delete(s.pending, k.sequence)
		return outcome{err: why}
	}
	k.abandoned, k.placed = true, false
	return outcome{err: why, maybeTaken: true}
}

// resumption says how an attempt's next Send continues a call that was abandoned.
type resumption uint8

const (
	startAgain   resumption = iota // no answer can come any more
	awaitsAnswer                   // it is pending again, with its place in the window
	hasAnswer                      // the answer is in the call's outcome
)

// resumeCall lets a Send continue the call of an earlier Send of its attempt.
func (s *session) resumeCall(k *call) resumption {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case k.answered:
		return hasAnswer
	case k.abandoned && s.pending[k.sequence] == k:
		k.abandoned, k.placed = false, true
		return awaitsAnswer
	default:
		return startAgain
	}
}

// lateCall is a part whose Send did not get its answer.
type lateCall struct {
	attempt uuid.UUID
	ids     []string // of the parts before it
	last    bool     // it is the message's last part
	group   *partGroup
}

// late returns what has to be known when the answer comes. It is called with session.mu
// held, while the call is pending.
func (k *call) late() lateCall {
	return lateCall{k.attempt, slices.Clip(k.ids), len(k.ids) == len(k.parts)-1, k.group}
}

// maxOverdue limits how many overdue calls a session remembers.
const maxOverdue = 10_000

// rememberOverdue remembers a call that is no longer pending, because its answer may still
// come. It is called with s.mu held.
func (s *session) rememberOverdue(k *call) {
	if len(s.overdue) < maxOverdue {
		s.overdue[k.sequence] = k.late()
	}
}

// finishCall takes the answer with that sequence number.
func (s *session) finishCall(ctx context.Context, sequence uint32, o outcome) {
	s.mu.Lock()
	k := s.pending[sequence]
	late, isLate := s.overdue[sequence]
	delete(s.pending, sequence)
	delete(s.overdue, sequence)
	abandoned := k != nil && k.abandoned
	if abandoned {
		late, isLate = k.late(), true
		k.outcome, k.answered = o, true
	}
	s.mu.Unlock()
	if isLate {
		s.reportLate(ctx, late, o)
	}
	if k != nil {
		k.finish(s, abandoned, o)
	}
}

// reportLate hands an answer whose Send has ended to the sink, as a receipt. The engine
// knows the attempt by its own ID, and from then on by the message's. An answer to a part
// that is not the last one only counts for the attempt's next Send.
func (s *session) reportLate(ctx context.Context, k lateCall, o outcome) {
	v := s.c.verdictOf(o.status, 1)
	r := channel.Receipt{Channel: s.c.config.Name, ProviderID: k.attempt.String(), Status: v.Status}
	switch taken := v.Status == status.Accepted || v.Status == status.Delivered; {
	case v.Status == status.Preparing, taken && !k.last:
		return
	case taken && o.id != "":
		r.NewID = s.c.completeGroup(k.group, append(k.ids, s.c.normalizeSubmitted(o.id)))
	case !taken:
		r.Reason, r.Detail = v.Reason, "smpp: the late answer is "+o.status.String()
	}
	select {
	case s.deliveries <- delivery{receipt: r}:
	default:
		s.c.config.Logger.WarnContext(ctx, "smpp: a late answer is dropped: too many receipts wait", "status", o.status.String())
	}
}
