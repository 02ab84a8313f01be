package channeltest

import (
	"cmp"
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
)

// testQuery asks about a message that was just sent, and about one that never was.
func (s *suite) testQuery(t *testing.T) {
	c, e := s.newSituation(t, Case{})
	querier, ok := c.(channel.Querier)
	if !ok {
		require.Zero(t, c.Traits().PollEvery, "Traits.PollEvery of a channel that is no channel.Querier")
		t.Skip("the channel is no channel.Querier")
	}
	result, err := s.requireSend(t.Context(), t, c, e)
	require.NoError(t, err)
	sent := channel.Ref{Channel: c.Name(), ProviderID: cmp.Or(result.ProviderID, e.AttemptID.String())}
	refs := []channel.Ref{{Channel: c.Name(), ProviderID: uuid.NewString()}, sent}
	rs, err := querier.Query(t.Context(), slices.Clone(refs))
	require.NoError(t, err, "an ID that the provider does not know is no error")
	for _, r := range rs {
		require.Equal(t, sent, r.Ref(), "a receipt names the attempt as the question did")
		require.True(t, r.Status.Valid(), "Receipt.Status is %d", r.Status)
		require.Empty(t, s.secretsOf(e).foundIn(channel.Result{Reason: r.Reason, Detail: r.Detail}, nil))
	}
	rs, err = querier.Query(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, rs)
}

// testQueryEnds asks a provider that is asked for nothing any more.
func (s *suite) testQueryEnds(t *testing.T) {
	c, e := s.newSituation(t, Case{})
	querier, ok := c.(channel.Querier)
	if !ok {
		t.Skip("the channel is no channel.Querier")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ended := make(chan error, 1)
	go func() {
		_, err := querier.Query(ctx, []channel.Ref{{Channel: c.Name(), ProviderID: e.AttemptID.String()}})
		ended <- err
	}()
	select {
	case err := <-ended:
		require.Empty(t, s.secretsOf(e).foundIn(channel.Result{}, err))
	case <-time.After(s.Patience):
		t.Fatalf("Query has not returned %v after its context ended", s.Patience)
	}
}
