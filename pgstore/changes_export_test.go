package pgstore

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// PositionOnTimeline returns a position of Changes as another timeline would have it.
func PositionOnTimeline(t *testing.T, position string, timeline int32) string {
	t.Helper()
	p, err := decodeChangePosition(position)
	require.NoError(t, err)
	p.timeline = timeline
	return p.encode()
}
