package loglimit_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/internal/loglimit"
)

func TestLimiter_AllowsALineOfEachKeyASecond(t *testing.T) {
	t.Parallel()
	var l loglimit.Limiter[int]
	now := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	for _, step := range []struct {
		after       time.Duration
		key         int
		wantSkipped int
		wantOK      bool
	}{
		{0, 401, 0, true},
		{0, 401, 0, false},
		{0, 404, 0, true},
		{time.Second - 1, 401, 0, false},
		{1, 401, 2, true},
		{time.Second, 401, 0, true},
	} {
		now = now.Add(step.after)
		skipped, ok := l.Allow(step.key, now)
		require.Equal(t, step.wantOK, ok, "%+v", step)
		require.Equal(t, step.wantSkipped, skipped, "%+v", step)
	}
}
