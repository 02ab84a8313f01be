package rowcodec_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/rowcodec"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

func TestReasons_PartIsThereIfAnAttemptMatches(t *testing.T) {
	t.Parallel()
	channels := []string{"sms", "line_push", "sms:", " sms", "-", "長", ""}
	reasons := []string{"", "blocked", "block", "a b", "a:b", "-", "50%", "%3A", "封鎖"}
	rapid.Check(t, func(rt *rapid.T) {
		var m smsplus.Message
		for range rapid.IntRange(0, 4).Draw(rt, "attempts") {
			m.Attempts = append(m.Attempts, smsplus.Attempt{
				Channel: channel.Name(rapid.SampledFrom(channels).Draw(rt, "channel")),
				Status:  rapid.SampledFrom([]status.Status{status.Failed, status.Undeliverable, status.Undeliverable, status.Preparing, status.Delivered}).Draw(rt, "status"),
				Reason:  status.Reason(rapid.OneOf(rapid.SampledFrom(reasons), rapid.String()).Draw(rt, "reason")),
			})
		}
		text := rowcodec.EncodeReasons(&m)
		for _, c := range channels {
			for _, r := range reasons[1:] {
				f := smsplus.Filter{Channel: channel.Name(c), Reason: status.Reason(r)}
				require.Equal(t, slices.ContainsFunc(m.Attempts, f.MatchAttempt), strings.Contains(text, rowcodec.ReasonPart(f.Channel, f.Reason)), "%q has %v", text, f)
			}
		}
		decoded := rowcodec.DecodeReasons(text)
		if text == "" {
			decoded = make([]status.Reason, len(m.Attempts))
		}
		require.Len(t, decoded, len(m.Attempts))
		for i, a := range m.Attempts {
			if a.Status != status.Failed && a.Status != status.Undeliverable {
				a.Reason = ""
			}
			require.Equal(t, a.Reason, decoded[i])
		}
	})
}

// A message without a reason must cost nothing: this runs for each one.
func TestReasons_NoneAllocateNothing(t *testing.T) {
	m := smsplus.Message{Attempts: []smsplus.Attempt{{Channel: channel.SMS}, {Channel: channel.LINEPush}}}
	require.Zero(t, testing.AllocsPerRun(100, func() { _ = rowcodec.EncodeReasons(&m) }))
}

func TestRouteRange_HasTheRoutesOfItsScenario(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		scenario := rapid.OneOf(rapid.SampledFrom([]string{"", "OTP", "OTP ", "OT", strings.Repeat("長", 85)}), rapid.String())
		one, other := scenario.Draw(rt, "one"), scenario.Draw(rt, "other")
		route := rowcodec.EncodeRoute(&smsplus.Message{Scenario: one, Plan: []smsplus.PlannedStep{{Channel: channel.SMS}}})
		from, to := rowcodec.RouteRange(other)
		require.Equal(t, one == other, bytes.Compare(from, route) <= 0 && bytes.Compare(route, to) < 0)
	})
}

func TestReferenceKeys_DifferFromThoseOfIDs(t *testing.T) {
	t.Parallel()
	for name, c := range codecs(t) {
		none, err := c.ReferenceKeys("")
		require.NoError(t, err)
		require.Empty(t, none, name)
		reference, err := c.ReferenceKeys("batch")
		require.NoError(t, err)
		other, err := c.ReferenceKeys("batch ")
		require.NoError(t, err)
		id, err := c.IDKeys("batch")
		require.NoError(t, err)
		require.Len(t, slices.Compact(slices.Concat(reference, other, id)), len(reference)+len(other)+len(id), name)
	}
}
