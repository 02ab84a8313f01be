package replay_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/internal/replay"
	"github.com/smsplus/smsplus-go/memstore"
)

func TestProve_HoldsForFilledStore(t *testing.T) {
	t.Parallel()
	s := memstore.New()
	require.NoError(t, replay.Fill(t.Context(), s))
	replay.Prove(t, s)
}
