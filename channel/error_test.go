package channel_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
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
	require.False(t, channel.Recipient{LINEUserID: "U4af4980629"}.IsZero())
}
