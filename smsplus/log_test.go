package smsplus_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/storetest"
)

func TestLogFailure_SaysTheSameOnceASecondWithACount(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	down := false
	w := newSMSWorld(t, func(c *smsplus.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		c.Store = &storetest.Faulty{Store: c.Store, Before: func(string) error {
			if down {
				return errors.New("down")
			}
			return nil
		}}
	})
	logged := func() string {
		defer log.Reset()
		return log.String()
	}
	claim := func() {
		_, err := w.Tick(t.Context())
		require.Error(t, err)
	}
	down = true
	for range 100 {
		claim()
	}
	first := logged()
	require.Equal(t, 1, strings.Count(first, "\n"), first)
	require.Contains(t, first, "op=Pauses")
	require.NotContains(t, first, "repeated")

	_, err := w.Message(t.Context(), [16]byte{1})
	require.Error(t, err)
	require.Contains(t, logged(), "op=Message", "another call is another line")

	w.clock.Add(time.Second - 1)
	claim()
	require.Empty(t, logged())
	w.clock.Add(time.Microsecond)
	claim()
	require.Contains(t, logged(), "repeated=100")
	w.clock.Add(time.Second)
	claim()
	require.NotContains(t, logged(), "repeated", "nothing was left out")
}
