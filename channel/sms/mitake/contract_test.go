package mitake_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/channeltest"
	"github.com/smsplus/smsplus-go/channel/sms/mitake"
)

func TestChannel_KeepsContract(t *testing.T) {
	t.Parallel()
	answers := func(answer func(url.Values) string) channeltest.Case {
		return channeltest.Case{Channel: func(t *testing.T) channel.Channel {
			c, _ := open(t, answer, nil)
			return c
		}}
	}
	serves := func(h http.HandlerFunc) channeltest.Case {
		return channeltest.Case{Channel: func(t *testing.T) channel.Channel { return openServer(t, h, nil) }}
	}
	says := func(words string) channeltest.Case { return answers(func(url.Values) string { return words }) }
	to := func(e164 string) channeltest.Case {
		return channeltest.Case{To: channel.Recipient{Phone: number(t, e164)}}
	}

	h := channeltest.Harness{
		Channel: answers(acceptAnswer).Channel,
		Content: channel.Text("您的訂單 4711 已出貨，將於週五送達"),
		To:      channel.Recipient{Phone: number(t, "+886912345678")},
		Unreachable: map[string]channeltest.Case{
			"no number":      {To: channel.Recipient{IDs: map[channel.Name]string{channel.LINEPush: "U4af4980629ba1e1d3c2f6a57c1b1c9d2"}}},
			"a landline":     to("+886223456789"),
			"a foreign one":  to("+85291234567"),
			"a wrong length": to("+88691234567"),
		},
		Faults: map[string]channeltest.Case{
			"refused connection": {Channel: func(t *testing.T) channel.Channel {
				gone := httptest.NewServer(nil)
				gone.Close()
				return openServer(t, nil, func(c *mitake.Config) { c.URL = gone.URL })
			}},
			"nonsense":         says("<html>down for maintenance</html>\n"),
			"an empty answer":  serves(func(http.ResponseWriter, *http.Request) {}),
			"two answers":      says("statuscode=1\n[2]\nstatuscode=1\n"),
			"an unknown code":  answers(refuseAnswer("q")),
			"no API":           serves(http.NotFound),
			"a server error":   serves(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500); _, _ = io.Copy(w, r.Body) }),
			"a redirect":       serves(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusTemporaryRedirect) }),
			"half an answer":   serves(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "99") }),
			"another encoding": serves(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "\xff\xfe\x80") }),
		},
		Stalled: serves(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // the server notices only after reading the body that the client disconnects
			<-r.Context().Done()
		}),
		BadContent: []channel.Content{
			channel.Text(""),
			channel.Text(" \r\n"),
			channel.Text(strings.Repeat("字", 71)),
		},
		Secrets: []string{username, password, signingSecret},
		Webhook: &channeltest.Webhook{
			Request: func(t *testing.T, _ channel.Channel, id string) *http.Request {
				return newCallback(t, responseURL(signingSecret, attempt), "msgid="+id+"&statuscode=0&statusstr=DELIVRD&StatusFlag=4")
			},
			Forged: func(t *testing.T, _ channel.Channel, id string) *http.Request {
				return newCallback(t, responseURL("guess", attempt), "msgid="+id+"&statuscode=0&statusstr=DELIVRD&StatusFlag=4")
			},
			Malformed: func(t *testing.T, _ channel.Channel) *http.Request {
				return newCallback(t, responseURL(signingSecret, attempt), "msgid=#000000001&statuscode=0")
			},
			Undelivered: func(t *testing.T, _ channel.Channel, id string) *http.Request {
				return newCallback(t, responseURL(signingSecret, attempt), "msgid="+id+"&statuscode=1&statusstr=UNDELIV&StatusFlag=6")
			},
			Unknown: func(t *testing.T, _ channel.Channel, id string) *http.Request {
				return newCallback(t, responseURL(signingSecret, attempt), "msgid="+id+"&statuscode=1&statusstr=BEAMED&StatusFlag=12")
			},
		},
	}
	for _, code := range []string{"5", "6", "7", "8", "9", "c", "d", "e", "f", "h", "k", "m", "n", "p", "s", "t", "u", "v", "x"} {
		h.Unreachable["statuscode "+code] = answers(refuseAnswer(code))
	}
	for _, code := range []string{"*", "a", "b", "l", "r", "w", "y", "z"} {
		h.Faults["statuscode "+code] = answers(refuseAnswer(code))
	}
	channeltest.Run(t, h)
}
