package failover_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
)

// recallableProvider is a provider that takes messages back.
type recallableProvider struct {
	*scriptedProvider
	recall func(channel.Ref) (channel.Recall, error)
}

func (p recallableProvider) Recall(_ context.Context, ref channel.Ref) (channel.Recall, error) {
	return p.recall(ref)
}

// takesBack returns a provider that takes one message back, and for which it is too late otherwise.
func takesBack(name channel.Name, id string) recallableProvider {
	return recallableProvider{newWorkingProvider(name), func(ref channel.Ref) (channel.Recall, error) {
		if ref == (channel.Ref{Channel: name, ProviderID: id}) {
			return channel.Recalled, nil
		}
		return channel.TooLate, nil
	}}
}

func TestRecall_GoesToTheProviderThatTookTheAttempt(t *testing.T) {
	t.Parallel()
	c := openSMS(t, takesBack("one", "1"), takesBack("two", "2"), newWorkingProvider("three"))
	for id, want := range map[string]channel.Recall{
		"one:1": channel.Recalled, "one:2": channel.TooLate, "two:1": channel.TooLate, "two:2": channel.Recalled,
		"three:1": channel.Impossible, "gone:1": channel.Impossible, "1": channel.Impossible, uuid.NewString(): channel.Impossible,
	} {
		got, err := c.Recall(t.Context(), channel.Ref{Channel: channel.SMS, ProviderID: id})
		require.NoError(t, err, id)
		require.Equal(t, want, got, id)
	}
}

func TestRecall_OfAnAttemptInDoubtGoesToItsLatestProvider(t *testing.T) {
	t.Parallel()
	e := envelope()
	one := takesBack("one", e.AttemptID.String())
	one.answerWith(channel.Result{}, channel.InDoubt(errors.New("no answer")))
	c := openSMS(t, one, newWorkingProvider("two"))
	_, err := c.Send(t.Context(), e)
	require.Error(t, err)
	got, err := c.Recall(t.Context(), channel.Ref{Channel: channel.SMS, ProviderID: e.AttemptID.String()})
	require.NoError(t, err)
	require.Equal(t, channel.Recalled, got)
}

func TestRecall_ErrorAndPanicAreErrors(t *testing.T) {
	t.Parallel()
	down := recallableProvider{newWorkingProvider("one"), func(channel.Ref) (channel.Recall, error) { return 0, errors.New("503") }}
	bad := recallableProvider{newWorkingProvider("two"), func(channel.Ref) (channel.Recall, error) { panic("503") }}
	c := openSMS(t, down, bad)
	_, err := c.Recall(t.Context(), channel.Ref{Channel: channel.SMS, ProviderID: "one:1"})
	require.EqualError(t, err, "failover: recall: one: 503")
	_, err = c.Recall(t.Context(), channel.Ref{Channel: channel.SMS, ProviderID: "two:1"})
	require.EqualError(t, err, "failover: recall: two: the provider panicked (string)")
}
