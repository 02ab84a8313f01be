package interop_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/internal/interop"
)

func TestPeer_ReadsAndWritesLines(t *testing.T) {
	t.Parallel()
	p := interop.Node(t, "ping.js")
	require.Equal(t, "ready", p.Next(t))
	for _, line := range []string{"one", "two"} {
		p.Tell(t, line)
		require.Equal(t, line, p.Next(t))
	}
}
