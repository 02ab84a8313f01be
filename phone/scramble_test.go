package phone

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestScramble_IsBijectionThatKeepsZero(t *testing.T) {
	t.Parallel()
	require.Zero(t, scramble(0))
	for i, f := range factors {
		require.Equal(t, uint64(1), f*inverses[i])
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64().Draw(t, "n")
		require.Equal(t, n, unscramble(scramble(n)))
		require.Equal(t, n, scramble(unscramble(n)))
	})
}
