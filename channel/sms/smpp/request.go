package smpp

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel/sms/smpp/pdu"
)

// roundTrip sends a request other than a submit_sm over any bind, and returns the answer to
// it, which may be a generic_nack. The request has a place in the window until the answer
// comes, ctx ends, or Config.ResponseTimeout has passed. An answer that comes later is
// dropped.
func (c *Channel) roundTrip(ctx context.Context, request pdu.PDU) (pdu.PDU, error) {
	s, err := c.acquireWindow(ctx, newCall(uuid.UUID{}, submission{}))
	if err != nil {
		return pdu.PDU{}, err
	}
	defer c.releaseWindow(s)
	sequence, answers, err := s.startRequest(request)
	if err != nil {
		return pdu.PDU{}, err
	}
	limited, cancel := context.WithTimeoutCause(ctx, c.config.ResponseTimeout, errResponseTimeout)
	defer cancel()
	select {
	case answer, ok := <-answers:
		if !ok {
			return pdu.PDU{}, errLinkDown
		}
		return answer, nil
	case <-limited.Done():
		s.forgetRequest(sequence)
		return pdu.PDU{}, fmt.Errorf("smpp: no answer: %w", context.Cause(limited))
	}
}

// startRequest queues a request. The answer comes on the channel, which is closed if the
// session ends first.
func (s *session) startRequest(p pdu.PDU) (sequence uint32, answers <-chan pdu.PDU, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.requests == nil {
		return 0, nil, errLinkDown
	}
	p.Sequence = s.nextSequence()
	wire, err := pdu.Append(nil, p)
	if err != nil {
		return 0, nil, err
	}
	answered := make(chan pdu.PDU, 1)
	s.requests[p.Sequence] = answered
	s.enqueueLocked(outgoing{wire: wire})
	return p.Sequence, answered, nil
}

// finishRequest hands an answer to the request with its sequence number. It reports whether
// there is one.
func (s *session) finishRequest(answer pdu.PDU) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	answered, ok := s.requests[answer.Sequence]
	if ok {
		delete(s.requests, answer.Sequence)
		answered <- answer
	}
	return ok
}

func (s *session) forgetRequest(sequence uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.requests, sequence)
}
