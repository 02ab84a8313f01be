package twilio_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

// guideCodes returns the guide's table of codes: a reason for each, "" for a fault that may
// pass.
func guideCodes(t *testing.T) map[int]status.Reason {
	t.Helper()
	guide, err := os.ReadFile("../../../docs/channels/twilio.md")
	require.NoError(t, err)
	reasons := make(map[int]status.Reason)
	rows := regexp.MustCompile("(?m)^\\| (?:temporary|`([a-z_]+)`(?:, as Failed)?) \\| ([0-9, ]+) \\|").FindAllStringSubmatch(string(guide), -1)
	for _, row := range rows {
		for _, code := range codesIn(t, row[2]) {
			require.NotContains(t, reasons, code, "documented twice")
			reasons[code] = status.Reason(row[1])
		}
	}
	return reasons
}

// codesIn returns the error codes in a text.
func codesIn(t *testing.T, text string) []int {
	t.Helper()
	var all []int
	for _, digits := range regexp.MustCompile(`\b[0-9]{5,6}\b`).FindAllString(text, -1) {
		code, err := strconv.Atoi(digits)
		require.NoError(t, err)
		all = append(all, code)
	}
	return all
}

func TestCodes_AreAllInGuide(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("codes.go")
	require.NoError(t, err)
	table := regexp.MustCompile(`(?s)var codes = .*?\n}`).FindString(string(source))
	require.ElementsMatch(t, slices.Collect(maps.Keys(guideCodes(t))), codesIn(t, table))
}

func TestCodes_MeanWhatGuideSays(t *testing.T) {
	t.Parallel()
	for code, reason := range guideCodes(t) {
		_, err := openServer(t, answerAll(400, faultBody(400, code, "No"))).Send(t.Context(), envelope(t))
		receipt := requireReceipt(t, open(t, config()), newCallback(token, public, callbackForm("failed", strconv.Itoa(code))))
		want := status.Undeliverable
		switch reason {
		case "":
			requireError(t, err, status.Preparing, status.SystemError)
			reason = status.CarrierError
		case status.SystemError:
			want = status.Failed
			fallthrough
		default:
			requireError(t, err, want, reason)
		}
		require.Equal(t, channel.Receipt{
			Channel: channel.SMS, ProviderID: message, Status: want, Reason: reason,
			Detail: "failed, error " + strconv.Itoa(code) + ", " + message,
		}, receipt)
	}
}
