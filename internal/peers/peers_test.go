package peers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/internal/peers"
)

func TestAPeerTalksInLines(t *testing.T) {
	t.Parallel()
	p := peers.Node(t, "ping.js")
	require.Equal(t, "ready", p.Next(t))
	for _, line := range []string{"one", "two"} {
		p.Tell(t, line)
		require.Equal(t, line, p.Next(t))
	}
}
