package httpapi_test

import (
	"errors"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/httpapi"
	"github.com/smsplus/smsplus-go/status"
)

func TestQueryEach_ReturnsWhatIsKnownWithTheFirstError(t *testing.T) {
	t.Parallel()
	refusal, other := errors.New("refused"), errors.New("other")
	for name, tt := range map[string]struct {
		err  error
		want []string
	}{
		"none":      {nil, []string{"0", "4"}},
		"a message": {other, []string{"0", "4"}},
		"a refusal": {refusal, []string{"0"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var refs []channel.Ref
			for i := range 5 {
				refs = append(refs, channel.Ref{Channel: channel.SMS, ProviderID: strconv.Itoa(i)})
			}
			rs, err := httpapi.QueryEach(refs, 1, func(ref channel.Ref) (r channel.Receipt, known bool, err error) {
				if ref.ProviderID == "2" {
					return r, false, tt.err
				}
				r = channel.Receipt{Channel: ref.Channel, ProviderID: ref.ProviderID, Status: status.Delivered}
				return r, ref.ProviderID == "0" || ref.ProviderID == "4", nil
			}, func(err error) bool { return errors.Is(err, refusal) })
			require.ErrorIs(t, err, tt.err)
			var known []string
			for _, r := range rs {
				known = append(known, r.ProviderID)
			}
			require.Equal(t, tt.want, known)
		})
	}
}
