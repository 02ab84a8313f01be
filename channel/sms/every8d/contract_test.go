package every8d_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/channeltest"
	"github.com/smsplus/smsplus-go/channel/sms/every8d"
	"github.com/smsplus/smsplus-go/secret"
)

func TestChannel_KeepsContract(t *testing.T) {
	t.Parallel()
	refuses := func(code int) channeltest.Case {
		return channeltest.Case{Channel: func(t *testing.T) channel.Channel {
			c, _ := open(t, func(form url.Values) string { return fmt.Sprintf("%d, 錯誤 %v", code, form) })
			return c
		}}
	}
	serves := func(h http.Handler) channeltest.Case {
		return channeltest.Case{Channel: func(t *testing.T) channel.Channel { return openServer(t, h) }}
	}
	to := func(e164 string) channeltest.Case {
		return channeltest.Case{To: channel.Recipient{Phone: number(t, e164)}}
	}
	h := channeltest.Harness{
		Channel: func(t *testing.T) channel.Channel {
			c, _ := open(t, nil)
			return c
		},
		Content: channel.Text("您的訂單 4711 已出貨，將於週五送達"),
		To:      channel.Recipient{Phone: number(t, "+886912345678")},
		Unreachable: map[string]channeltest.Case{
			"no number":     {To: channel.Recipient{IDs: map[channel.Name]string{channel.LINEPush: "U4af4980629ba1e1d3c2f6a57c1b1c9d2"}}},
			"a landline":    to("+886223456789"),
			"a foreign one": to("+85291234567"),
			"no credit":     serves(answers(200, "0.00,0,0,1,")),
			"a wrong password": {Channel: func(t *testing.T) channel.Channel {
				c, _ := open(t, nil, func(c *every8d.Config) { c.Password = secret.New("another") })
				return c
			}},
		},
		Faults: map[string]channeltest.Case{
			"refused connection": {Channel: func(t *testing.T) channel.Channel {
				gone := httptest.NewServer(nil)
				gone.Close()
				return openServer(t, nil, func(c *every8d.Config) { c.BaseURL = gone.URL })
			}},
			"nonsense":       serves(answers(200, "<html>down for maintenance</html>\n")),
			"an empty reply": serves(answers(200, "")),
			"no API":         serves(answers(404, "")),
			"a server error": serves(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500); _, _ = io.Copy(w, r.Body) })),
			"throttled":      serves(answers(429, "")),
			"half an answer": serves(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "99") })),
			"unknown error":  refuses(-99),
			"bad parameter":  refuses(-1),
		},
		Stalled: serves(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // the server notices only after reading the body that the client disconnects
			<-r.Context().Done()
		})),
		BadContent: []channel.Content{channel.Text(""), channel.Text(strings.Repeat("字", 336))},
		Secrets:    []string{userID, password},
	}
	for _, code := range []int{-2, -3, -4, -5, -24, -41, -77, -100, -101, -300} {
		h.Unreachable[fmt.Sprint("code ", code)] = refuses(code)
	}
	channeltest.Run(t, h)
}
