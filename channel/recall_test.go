package channel_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
)

func TestRecall_IsAText(t *testing.T) {
	t.Parallel()
	for r, want := range []string{"", "impossible", "too_late", "recalled"} {
		r := channel.Recall(r)
		require.Equal(t, want, r.String())
		require.Equal(t, want != "", r.Valid())
		text, err := r.MarshalText()
		require.NoError(t, err)
		var parsed channel.Recall
		require.NoError(t, parsed.UnmarshalText(text))
		require.Equal(t, r, parsed)
	}
	require.False(t, channel.Recall(4).Valid())
	require.Equal(t, "recall(4)", channel.Recall(4).String())
	_, err := channel.Recall(4).MarshalText()
	require.ErrorContains(t, err, "there is no recall 4")
	require.ErrorContains(t, new(channel.Recall).UnmarshalText([]byte("gone")), "no such recall (4 characters)")
}
