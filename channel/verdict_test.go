package channel_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

func TestVerdict_ErrorHasItsStatus(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		verdict channel.Verdict
		want    string
		inDoubt bool
		after   time.Duration
	}{
		"undeliverable": {channel.Verdict{Status: status.Undeliverable, Reason: status.Blocked}, "channel: undeliverable (blocked): 30004", false, 0},
		"failed":        {channel.Verdict{Status: status.Failed, Reason: status.TemplateConfig}, "channel: failed (template_config): 30004", false, 0},
		"temporary":     {channel.Verdict{}, "channel: temporary: 30004", false, time.Minute},
		"in doubt":      {channel.Verdict{Reason: status.InDoubt}, "channel: in doubt: 30004", true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var err *channel.Error
			require.ErrorAs(t, tt.verdict.Error("30004", time.Minute), &err)
			require.EqualError(t, err, tt.want)
			require.Equal(t, tt.inDoubt, err.InDoubt())
			require.Equal(t, tt.after, err.RetryAfter())
			require.Equal(t, tt.verdict.Status, err.Status())
		})
	}
	require.NoError(t, channel.Verdict{Status: status.Accepted}.Error("0", 0))
}
