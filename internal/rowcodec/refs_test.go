package rowcodec_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/rowcodec"
	"github.com/smsplus/smsplus-go/smsplus"
)

func TestRefs_KeysAreThoseOfEachRefOnce(t *testing.T) {
	t.Parallel()
	one, two := channel.Ref{Channel: channel.SMS, ProviderID: "1"}, channel.Ref{Channel: channel.SMS, ProviderID: "2"}
	for name, c := range codecs(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ofOne, err := c.RefKeys(one)
			require.NoError(t, err)
			ofTwo, err := c.RefKeys(two)
			require.NoError(t, err)
			refs, err := c.Refs([]channel.Ref{one, two, one})
			require.NoError(t, err)
			require.ElementsMatch(t, append(ofOne, ofTwo...), refs.Keys())
			require.IsIncreasing(t, refs.Keys())
		})
	}
	none, err := rowcodec.NewCodec(nil, false).Refs(nil)
	require.NoError(t, err)
	require.NotNil(t, none.Keys(), "a nil array is NULL in a database")
	require.Empty(t, none.Keys())
}

func TestRefs_KeepMessagesComparesProviderIDs(t *testing.T) {
	t.Parallel()
	refs, err := rowcodec.NewCodec(nil, false).Refs([]channel.Ref{{Channel: channel.SMS, ProviderID: "1"}, {Channel: channel.SMS}})
	require.NoError(t, err)
	message := func(attempts ...smsplus.Attempt) smsplus.Message {
		return smsplus.Message{ID: uuid.New(), Attempts: attempts}
	}
	second := message(smsplus.Attempt{Channel: channel.LINEPush, ProviderID: "2"}, smsplus.Attempt{Channel: channel.SMS, ProviderID: "1"})
	require.Equal(t, []smsplus.Message{second}, refs.KeepMessages([]smsplus.Message{
		message(),
		message(smsplus.Attempt{Channel: channel.SMS}), // no provider ID is never found
		message(smsplus.Attempt{Channel: channel.LINEPush, ProviderID: "1"}),
		second,
	}))
}

func TestCodec_AttemptKeyIsTheFirstRefKey(t *testing.T) {
	t.Parallel()
	for name, c := range codecs(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keys, err := c.RefKeys(channel.Ref{Channel: channel.SMS, ProviderID: "1"})
			require.NoError(t, err)
			key, ok, err := c.AttemptKey(&smsplus.Attempt{Channel: channel.SMS, ProviderID: "1"})
			require.NoError(t, err)
			require.True(t, ok)
			require.Equal(t, keys[0], key)
			_, ok, err = c.AttemptKey(&smsplus.Attempt{Channel: channel.SMS})
			require.NoError(t, err)
			require.False(t, ok)
		})
	}
}
