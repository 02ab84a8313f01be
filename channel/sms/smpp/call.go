package smpp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/smsplus/smsplus-go/channel/sms/smpp/pdu"
)

// call is what a Send waits by: first for room in a window, then for the answer to each
// part of its message.
type call struct {
	// ready gets a token when granted, or the outcome, is there to be read.
	ready   chan struct{}
	granted *session
	refused error
	outcome outcome

	message pdu.Message

	// Guarded by session.mu, until it is no longer pending.
	sequence  uint32
	writing   bool      // it is being written, or it was
	writtenAt time.Time // since when
	endOffset uint64    // octets of the session up to its own last one
	withdrawn bool      // nobody waits for it, and it is not to be written
	abandoned bool      // nobody waits for it
}

// outcome is what came of a submit_sm: the answer, or why there is none.
type outcome struct {
	status pdu.Status
	id     string
	err    error
	// maybeTaken says of a lost one that the SMSC may have it all the same.
	maybeTaken bool
	// abandoned says of a lost one that its answer may still come. Until then its
	// place in the window is taken.
	abandoned bool
}

func newCall() *call { return &call{ready: make(chan struct{}, 1)} }

// endWait lets go of a call that waits for room.
func (k *call) endWait(s *session, err error) {
	k.granted, k.refused = s, err
	k.ready <- struct{}{}
}

// finish says what came of a call that is no longer pending.
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
	s.pending[k.sequence] = k // before it is written: answers are fast
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
	sequenceOffset = 12  // where a header has its sequence_number (section 3.2)
	wireOverhead   = 128 // enough for the other fields of most messages
)

// abandonCall returns the outcome of a call that nobody waits for any longer.
func (s *session) abandonCall(k *call, why error) outcome {
	s.mu.Lock()
	if s.pending[k.sequence] != k { // its outcome is on its way
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
