package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWriteTriggers_WritesCommittedFile(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile("../triggers.csv")
	require.NoError(t, err)
	var got strings.Builder
	require.NoError(t, writeTriggers(&got))
	require.Equal(t, string(want), got.String(), "go generate ./examples/quickstart writes triggers.csv")
}
