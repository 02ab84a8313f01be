package channel_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/status"
)

func TestError_KindDecidesStatusAndRetry(t *testing.T) {
	t.Parallel()
	cause := errors.New("connection reset")
	for _, tt := range []struct {
		err        *channel.Error
		status     status.Status
		reason     status.Reason
		detail     string
		retryAfter time.Duration
		inDoubt    bool
		cause      error
		text       string
	}{
		{
			err: channel.Undeliverable(status.Blocked, "131049"), status: status.Undeliverable, reason: status.Blocked,
			detail: "131049", text: "channel: undeliverable (blocked): 131049",
		},
		{
			err: channel.Failed(status.TemplateConfig, ""), status: status.Failed, reason: status.TemplateConfig,
			text: "channel: failed (template_config)",
		},
		{
			err: channel.Temporary(cause, time.Minute), status: status.Preparing, reason: status.SystemError,
			detail: "connection reset", retryAfter: time.Minute, cause: cause, text: "channel: temporary: connection reset",
		},
		{
			err: channel.InDoubt(cause), status: status.Preparing, reason: status.InDoubt,
			detail: "connection reset", inDoubt: true, cause: cause, text: "channel: in doubt: connection reset",
		},
		{err: channel.Temporary(nil, 0), status: status.Preparing, reason: status.SystemError, text: "channel: temporary"},
		{err: channel.Failed("", ""), status: status.Failed, text: "channel: failed"},
	} {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			e, ok := errors.AsType[*channel.Error](fmt.Errorf("adapter: %w", tt.err))
			require.True(t, ok)
			require.Equal(t, tt.status, e.Status())
			require.Equal(t, tt.reason, e.Reason())
			require.Equal(t, tt.detail, e.Detail())
			require.Equal(t, tt.retryAfter, e.RetryAfter())
			require.Equal(t, tt.inDoubt, e.InDoubt())
			require.EqualError(t, e, tt.text)
			require.Equal(t, tt.cause, errors.Unwrap(e))
		})
	}
}

func TestError_UnwrapsItsCause(t *testing.T) {
	t.Parallel()
	err := channel.InDoubt(fmt.Errorf("post: %w", context.DeadlineExceeded))
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestReceipt_RefNamesItsMessage(t *testing.T) {
	t.Parallel()
	r := channel.Receipt{Channel: channel.SMS, ProviderID: "42", Status: status.Delivered}
	require.Equal(t, channel.Ref{Channel: channel.SMS, ProviderID: "42"}, r.Ref())
}

func TestRecipient_IsZeroWithoutAnyAddress(t *testing.T) {
	t.Parallel()
	require.True(t, channel.Recipient{}.IsZero())
	require.True(t, channel.Recipient{IDs: map[channel.Name]string{channel.LINEPush: ""}}.IsZero())
	require.False(t, channel.Recipient{IDs: map[channel.Name]string{channel.LINEPush: "U4af4980629"}}.IsZero())
}

func TestRecipient_EqualComparesTheNumberAndEveryID(t *testing.T) {
	t.Parallel()
	n, err := phone.Parse("+886912345678")
	require.NoError(t, err)
	ids := func(pairs ...string) channel.Recipient {
		r := channel.Recipient{IDs: map[channel.Name]string{}}
		for i := 0; i < len(pairs); i += 2 {
			r.IDs[channel.Name(pairs[i])] = pairs[i+1]
		}
		return r
	}
	for _, tt := range []struct {
		a, b         channel.Recipient
		equal, share bool
	}{
		{channel.Recipient{}, ids(), true, false},
		{channel.Recipient{}, ids("chat", ""), true, false},
		{channel.Recipient{Phone: n}, channel.Recipient{Phone: n}, true, true},
		{channel.Recipient{Phone: n}, channel.Recipient{}, false, false},
		{ids("chat", "1"), ids("chat", "1"), true, true},
		{ids("chat", "1"), ids("chat", "2"), false, false},
		{ids("chat", "1"), ids("fax", "1"), false, false},
		{ids("chat", "1"), ids("chat", "1", "fax", "2"), false, true},
		{channel.Recipient{Phone: n, IDs: ids("chat", "1").IDs}, ids("chat", "1"), false, true},
	} {
		require.Equal(t, tt.equal, tt.a.Equal(tt.b))
		require.Equal(t, tt.equal, tt.b.Equal(tt.a))
		require.Equal(t, tt.share, tt.a.SharesAddress(tt.b))
		require.Equal(t, tt.share, tt.b.SharesAddress(tt.a))
	}
}
