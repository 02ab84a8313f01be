package channeltest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
)

// startListening runs the channel's Listen, again whenever it returns, as the engine does.
// The sink passes its receipts to the returned channel, and refuses its first calls, as
// many as refusals says. The returned function ends Listen and waits for it.
func (s *suite) startListening(t *testing.T, c channel.Channel, refusals int) (sunk <-chan channel.Receipt, end func()) {
	t.Helper()
	listener, ok := c.(channel.Listener)
	require.True(t, ok, "another channel of the harness is a channel.Listener, and this one is not")
	ctx, cancel := context.WithCancel(t.Context())
	receipts := make(chan channel.Receipt, 100)
	refuse := make(chan struct{}, refusals)
	for range refusals {
		refuse <- struct{}{}
	}
	sink := func(ctx context.Context, rs ...channel.Receipt) error {
		for _, r := range rs {
			select {
			case receipts <- r:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		select {
		case <-refuse:
			return errors.New("the store is down")
		default:
			return nil
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			_ = listener.Listen(ctx, sink)
			if ctx.Err() != nil {
				return
			}
		}
	}()
	return receipts, func() {
		t.Helper()
		cancel()
		select {
		case <-done:
		case <-time.After(s.Patience):
			t.Fatalf("Listen has not returned %v after its context ended", s.Patience)
		}
	}
}

// nextReceipt returns the next receipt that the sink gets.
func (s *suite) nextReceipt(t *testing.T, sunk <-chan channel.Receipt) channel.Receipt {
	t.Helper()
	select {
	case r := <-sunk:
		return r
	case <-time.After(s.Patience):
		t.Fatalf("no receipt came within %v", s.Patience)
		return channel.Receipt{}
	}
}

func (s *suite) testSessionReceipt(t *testing.T) {
	c, e := s.newSituation(t, Case{})
	sunk, end := s.startListening(t, c, 0)
	defer end()
	result, err := s.requireSend(t.Context(), t, c, e)
	require.NoError(t, err)
	s.Report(t, c, result.ProviderID)
	requireReceipts(t, c, result.ProviderID, []channel.Receipt{s.nextReceipt(t, sunk)})
}

func (s *suite) testSessionRepeats(t *testing.T) {
	c, e := s.newSituation(t, Case{})
	sunk, end := s.startListening(t, c, 1)
	defer end()
	result, err := s.requireSend(t.Context(), t, c, e)
	require.NoError(t, err)
	s.Report(t, c, result.ProviderID)
	refused := s.nextReceipt(t, sunk)
	again := s.nextReceipt(t, sunk)
	for again != refused { // other receipts may come first
		again = s.nextReceipt(t, sunk)
	}
}

func (s *suite) testListenEnds(t *testing.T) {
	c, _ := s.newSituation(t, Case{})
	_, end := s.startListening(t, c, 0)
	end()
}
