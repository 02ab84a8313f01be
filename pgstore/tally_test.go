package pgstore

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

var channelNames = []channel.Name{"", channel.SMS, channel.LINEPush, "a b", "a:b", "a#2", "a", "簡訊", "50%", "r"}

func drawMessage(t *rapid.T) smsplus.Message {
	read := func() time.Time {
		if rapid.Bool().Draw(t, "read") {
			return time.Unix(1_700_000_000, 0)
		}
		return time.Time{}
	}
	st := rapid.SampledFrom(status.Statuses())
	m := smsplus.Message{Status: st.Draw(t, "status"), ReadAt: read()}
	for range rapid.IntRange(0, 4).Draw(t, "attempts") {
		m.Attempts = append(m.Attempts, smsplus.Attempt{
			Channel: rapid.SampledFrom(channelNames).Draw(t, "channel"), Status: st.Draw(t, "status"), ReadAt: read(),
		})
	}
	return m
}

func TestTally_CountsAsItsMessage(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := drawMessage(t)
		got, err := decodeTally(encodeTally(&m))
		require.NoError(t, err)
		require.Equal(t, m.Status.Group(), got.Status.Group())
		for _, c := range channelNames {
			var want smsplus.TemplateStats
			want.Add(m, smsplus.Filter{Channel: c})
			var one, seven, sum smsplus.TemplateStats
			one.AddMultiple(&got, smsplus.Filter{Channel: c}, 1)
			require.Equal(t, want, one, "%q counts on channel %q", encodeTally(&m), c)
			seven.AddMultiple(&got, smsplus.Filter{Channel: c}, 7)
			for range 7 {
				sum = sum.Plus(want)
			}
			require.Equal(t, sum, seven)
		}
	})
}

func TestTally_AttemptsHaveUniqueNames(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := drawMessage(t)
		words := strings.Split(encodeTally(&m), " ")[1:]
		require.Len(t, words, len(m.Attempts))
		seen := map[string]bool{}
		for i, word := range words {
			name := attemptChannel(&m, i)
			require.Equal(t, name, strings.Split(word, ":")[0], "what split_part finds")
			require.False(t, seen[name], "a message's attempts have names of their own")
			seen[name] = true
		}
		for _, c := range channelNames {
			require.Equal(t, smsplus.Filter{Channel: c}.Match(m) && c != "" || c == "" && seen[""], seen[escapeChannel(c)],
				"the channel's name is that of one attempt on it")
		}
	})
}

func TestTally_MalformedIsError(t *testing.T) {
	t.Parallel()
	for _, tally := range []string{"", "5", "-1", "4x", "r", "4 sms", "4 sms:9", "4 %zz:1", "4  sms:1"} {
		_, err := decodeTally(tally)
		require.Error(t, err, tally)
	}
}
