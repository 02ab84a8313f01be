package channeltest

import (
	"cmp"
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
)

// testRecall takes back a message that was just sent, twice, and one that never was.
func (s *suite) testRecall(t *testing.T) {
	c, e := s.newSituation(t, Case{})
	recaller, ok := c.(channel.Recaller)
	if !ok {
		t.Skip("the channel is no channel.Recaller")
	}
	recall := func(providerID, what string) channel.Recall {
		answer, err := recaller.Recall(t.Context(), channel.Ref{Channel: c.Name(), ProviderID: providerID})
		require.NoError(t, err, what)
		require.True(t, answer.Valid(), "%s is answered with %d", what, uint8(answer))
		return answer
	}
	require.NotEqual(t, channel.Recalled, recall(uuid.NewString(), "a recall of a message that was never sent"), "it was never sent")
	result, err := s.requireSend(t.Context(), t, c, e)
	require.NoError(t, err)
	id := cmp.Or(result.ProviderID, e.AttemptID.String())
	recall(id, "a recall")
	recall(id, "a recall that is repeated")
}

// testRecallEnds takes a message back for nothing any more.
func (s *suite) testRecallEnds(t *testing.T) {
	c, e := s.newSituation(t, Case{})
	recaller, ok := c.(channel.Recaller)
	if !ok {
		t.Skip("the channel is no channel.Recaller")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ended := make(chan error, 1)
	go func() {
		_, err := recaller.Recall(ctx, channel.Ref{Channel: c.Name(), ProviderID: e.AttemptID.String()})
		ended <- err
	}()
	select {
	case err := <-ended:
		require.Empty(t, s.secretsOf(e).foundIn(channel.Result{}, err))
	case <-time.After(s.Patience):
		t.Fatalf("Recall has not returned %v after its context ended", s.Patience)
	}
}
