package line_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/line"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/status"
)

func TestConfig_ReturnsAllMistakes(t *testing.T) {
	t.Parallel()
	_, err := line.NewPush(line.PushConfig{
		Account: line.Account{Secrets: secret.NewAll("a", ""), BaseURL: "api.line.me"},
		Codes: line.Codes{
			"ok":  {},
			"200": {},
			"422": {Status: status.Accepted},
			"423": {Status: status.Undeliverable},
			"424": {Status: status.Delivered, Reason: status.Blocked},
			"425": {Reason: status.Blocked},
		},
	})
	require.Error(t, err)
	for _, want := range []string{
		"line: PushConfig.Account.Token is required",
		"line: PushConfig.Account.Secrets[1] is empty",
		"line: PushConfig.Account.BaseURL is no http or https URL without a query",
		`line: PushConfig.Codes["ok"]: a key begins with an HTTP status from 300 to 599`,
		`line: PushConfig.Codes["200"]: a key begins with an HTTP status from 300 to 599`,
		`line: PushConfig.Codes["422"]: the channel cannot end accepted with the reason ""`,
		`line: PushConfig.Codes["423"]: the channel cannot end undeliverable with the reason ""`,
		`line: PushConfig.Codes["424"]: the channel cannot end delivered with the reason "blocked"`,
		`line: PushConfig.Codes["425"]: the channel cannot end preparing with the reason "blocked"`,
	} {
		require.ErrorContains(t, err, want)
	}

	_, err = line.NewNotification(line.NotificationConfig{
		Account: line.Account{Token: secret.New(token + "\n"), BaseURL: "https://:secret@api.line.me?"},
		Codes:   line.Codes{"": {}},
	})
	require.ErrorContains(t, err, "line: NotificationConfig.Account.Token holds a character that no token has, such as a line's end")
	require.ErrorContains(t, err, "line: NotificationConfig.Account.Secrets is required")
	require.ErrorContains(t, err, `line: NotificationConfig.Codes[""]: a key begins`)
	require.NotContains(t, err.Error(), token)

	for _, url := range []string{"ftp://api.line.me", "https://", "https://api.line.me?a=b", "https://api.line.me#a", "https://api.line.me/%zz"} {
		_, err := line.NewPush(line.PushConfig{Account: line.Account{Token: secret.New(token), BaseURL: url}})
		require.ErrorContains(t, err, "BaseURL", url)
	}
}

func TestConfig_DefaultsToLINE(t *testing.T) {
	t.Parallel()
	asked := ""
	a := account("")
	a.Client = &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
		asked = r.URL.String()
		return nil, http.ErrHandlerTimeout
	})}
	_, err := newPush(t, line.PushConfig{Account: a}).Send(t.Context(), envelope(t, text))
	require.Error(t, err)
	require.Equal(t, "https://api.line.me/v2/bot/message/push", asked)
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// owner has a value in a field whose methods fmt cannot call.
type owner[T any] struct{ value T }

func TestFormat_PrintsNoSecret(t *testing.T) {
	t.Parallel()
	directory := line.NewDirectory()
	require.NoError(t, directory.Link(number(t, e164), user))
	a := account("")
	push := line.PushConfig{Account: a, Contacts: directory}
	notification := line.NotificationConfig{Account: a, Followers: directory}
	p, n := newPush(t, push), newNotification(t, notification)
	for _, v := range []any{
		a, &a, push, &push, notification, &notification, p, n, directory,
		line.Contact{UserID: user},
		owner[*line.Push]{p},
		owner[*line.Directory]{directory},
		line.Messages(user), line.Templated(user),
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			printed := fmt.Sprintf(verb, v)
			for _, signingSecret := range []string{token, signingSecret, user} {
				require.NotContains(t, printed, signingSecret, "%T as %s", v, verb)
				require.NotContains(t, printed, fmt.Sprintf("%x", signingSecret), "%T as %s", v, verb)
				require.NotContains(t, printed, fmt.Sprintf("%X", signingSecret), "%T as %s", v, verb)
			}
		}
		printed, _ := json.Marshal(v)
		require.NotContains(t, string(printed), token)
		require.NotContains(t, string(printed), signingSecret)
	}
}

func TestDetail_RepeatsNothingSent(t *testing.T) {
	t.Parallel()
	const says = "Your order has shipped and arrives on Friday"
	pieces := []string{"Your order has shipped", "arrives on Friday", "%59our order has", "order\nhas shipped"}
	for _, tt := range []struct {
		content channel.Content
		pieces  []string
	}{
		{channel.Text("Hi Ann"), []string{"Hi Ann"}},
		{channel.Text(says), pieces},
		{line.Messages(`[{"type":"text","text":"` + says + `"}]`), pieces},
		{line.Templated(`{"templateKey":"a","body":{"items":[{"itemKey":"b","content":"` + says + `"}]}}`), pieces},
	} {
		refused := func(send func(line.Account) (channel.Result, error), pieces ...string) {
			for _, piece := range pieces {
				answer, _ := json.Marshal(map[string]any{"message": "odd: " + piece + "!", "details": []map[string]string{{"property": piece}}})
				refuse := refuseWith(http.StatusBadRequest, string(answer))
				_, err := send(account(newFakeLINE(t, map[string]http.HandlerFunc{pushPath: refuse, flexiblePath: refuse, templatedPath: refuse}).URL))
				require.ErrorContains(t, err, "HTTP 400")
				require.NotContains(t, err.Error(), piece)
				require.NotContains(t, err.Error(), "order")
			}
		}
		pieces := append(tt.pieces, token, e164, e164[4:])
		refused(func(a line.Account) (channel.Result, error) {
			return newNotification(t, line.NotificationConfig{Account: a}).Send(t.Context(), envelope(t, tt.content))
		}, append(pieces, hash[6:24])...)
		if _, ok := tt.content.(line.Templated); !ok {
			refused(func(a line.Account) (channel.Result, error) {
				return newPush(t, line.PushConfig{Account: a}).Send(t.Context(), envelope(t, tt.content))
			}, append(pieces, user[12:30])...)
		}
	}
}

func TestCodes_AccountOverrides(t *testing.T) {
	t.Parallel()
	codes := line.Codes{
		"422":                   {Status: status.Undeliverable, Reason: status.Unverified},
		"422 Failed to Send":    {Status: status.Undeliverable, Reason: status.Blocked},
		"422 failed":            {Status: status.Undeliverable, Reason: status.Permission},
		"500":                   {},
		"503":                   {Reason: status.InDoubt},
		"429 try again later":   {Status: status.Failed, Reason: "busy"},
		"400 'messages[0].text": {Status: status.Accepted},
	}
	for _, tt := range []struct {
		code int
		body string
		want channel.Verdict
	}{
		{422, `{"message":"something else"}`, codes["422"]},
		{422, `{"message":"it FAILED"}`, codes["422 failed"]},
		{422, `{"message":"Failed to send messages"}`, codes["422 Failed to Send"]},
		{500, ``, channel.Verdict{Reason: status.SystemError}},
		{503, ``, codes["503"]},
		{429, `{"message":"The API rate limit has been exceeded. Try again later."}`, codes["429 try again later"]},
		{429, monthlyLimitBody, channel.Verdict{Status: status.Undeliverable, Reason: status.QuotaExceeded}},
		{400, `{"message":"The request body has 1 error(s)","details":[{"message":"May not be empty","property":"messages[0].text"}]}`, codes["400 'messages[0].text"]},
		{400, `{"message":null,"details":[null,7,{"message":7},{"message":"May not be empty","property":"messages[0].text"}]}`, codes["400 'messages[0].text"]},
		{400, ``, channel.Verdict{Status: status.Undeliverable, Reason: status.ContentRejected}},
	} {
		f := newFakeLINE(t, map[string]http.HandlerFunc{flexiblePath: refuseWith(tt.code, tt.body)})
		n := newNotification(t, line.NotificationConfig{Account: account(f.URL), Codes: codes})
		result, err := n.Send(t.Context(), envelope(t, text))
		if tt.want.Status == status.Accepted {
			require.NoError(t, err)
			require.Equal(t, status.Accepted, result.Status)
			continue
		}
		requireVerdict(t, err, tt.want.Status, tt.want.Reason)
	}
}
