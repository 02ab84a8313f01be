package smpp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/smsplus/smsplus-go/channel/sms/smpp/pdu"
)

// call is a Send that waits: first for room in a window, then for the answer to each part
// of its message.
//
// Each part is removed from session.pending once. The code that removes it determines its
// outcome.
type call struct {
	// ready gets a token when granted or refused, or the outcome, is set.
	ready   chan struct{}
	granted *session
	refused error
	outcome outcome

	message pdu.Message

	// The fields below are guarded by session.mu while the call is pending.
	sequence  uint32
	writing   bool      // the write loop has taken it
	writtenAt time.Time // when the write loop took it
	endOffset uint64    // position of its last octet in the session's output
	withdrawn bool      // its Send has ended, and it must not be written
	abandoned bool      // its Send has ended after the write began
}

// outcome is the outcome of a submit_sm: the answer, or err if there is none.
type outcome struct {
	status pdu.Status
	id     string
	err    error
	// maybeTaken says that the SMSC may have the message despite err.
	maybeTaken bool
	// abandoned says that the answer may still come despite err. Until then the message
	// keeps its place in the window.
	abandoned bool
}

func newCall() *call { return &call{ready: make(chan struct{}, 1)} }

// endWait ends a call's wait for room, with a session or with an error.
func (k *call) endWait(s *session, err error) {
	k.granted, k.refused = s, err
	k.ready <- struct{}{}
}

// finish sets the outcome of a call that is no longer pending. An abandoned call gives back
// its place in the window.
func (k *call) finish(s *session, o outcome) {
	if k.abandoned {
		s.c.releaseWindow(s)
		return
	}
	k.outcome = o
	k.ready <- struct{}{}
}

var errResponseTimeout = errors.New("smpp: the smsc has not answered in time")

// submit sends a message and waits for its answer, or until ctx ends.
func (s *session) submit(ctx context.Context, k *call) outcome {
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
// call that is not yet written. A written call stays pending, because its answer may still
// come.
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
	k.abandoned = true
	return outcome{err: why, maybeTaken: true, abandoned: true}
}

// finishCall finishes the call with that sequence number, if there is one.
func (s *session) finishCall(sequence uint32, o outcome) {
	s.mu.Lock()
	k := s.pending[sequence]
	delete(s.pending, sequence)
	s.mu.Unlock()
	if k != nil {
		k.finish(s, o)
	}
}
