package twilio_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/channeltest"
	"github.com/smsplus/smsplus-go/channel/sms/twilio"
	"github.com/smsplus/smsplus-go/secret"
)

func TestChannel_KeepsContract(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*twilio.Config){
		"with an auth token": func(*twilio.Config) {},
		"with an API key": func(c *twilio.Config) {
			c.Name, c.APIKeySID, c.APIKeySecret = "sms_tw", apiKey, secret.New(signingSecret)
			c.From, c.MessagingServiceSID = "", service
			c.StatusCallback += "?tenant=7#rc=5&rp=all"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			channeltest.Run(t, harness(t, change))
		})
	}
}

func harness(t *testing.T, change func(*twilio.Config)) channeltest.Harness {
	says := func(code int, body string) channeltest.Case {
		return channeltest.Case{Channel: func(t *testing.T) channel.Channel { return openServer(t, echoingHandler(code, body), change) }}
	}
	refuses := func(httpStatus, code int) channeltest.Case {
		return says(httpStatus, fmt.Sprintf(`{"code":%d,"message":"%%s","status":%d}`, code, httpStatus))
	}
	c := config()
	change(&c)
	address, _, _ := strings.Cut(c.StatusCallback, "#")
	about := func(id, word, code string) url.Values {
		form := callbackForm(word, code)
		form.Set("MessageSid", id)
		return form
	}

	return channeltest.Harness{
		Channel: func(t *testing.T) channel.Channel { return openServer(t, newAccount().ServeHTTP, change) },
		Content: channel.Text("Your order has shipped and will arrive on Friday"),
		To:      channel.Recipient{Phone: number(t)},
		Unreachable: map[string]channeltest.Case{
			"no number":      {To: channel.Recipient{IDs: map[channel.Name]string{channel.LINEPush: "U4af4980629ba1e1d3c2f6a57c1b1c9d2"}}},
			"invalid number": refuses(400, 21211),
			"landline":       refuses(400, 21635),
			"STOP":           refuses(400, 21610),
			"no region":      refuses(403, 21408),
			"failed at once": says(http.StatusCreated, `{"sid":"`+message+`","status":"failed","error_code":30006,"body":"%s"}`),
		},
		Faults: map[string]channeltest.Case{
			"refused":           {Channel: newUnreachable},
			"wrong credentials": refuses(401, 20003),
			"throttled":         refuses(429, 20429),
			"a full queue":      refuses(400, 21611),
			"a new code":        refuses(400, 29999),
			"broken":            refuses(500, 20500),
			"a broken proxy":    says(502, "<html>%s</html>"),
			"unavailable":       says(503, "%s"),
			"lost":              says(404, "%s"),
			"a redirect":        says(307, "%s"),
			"senseless":         says(http.StatusCreated, "%s"),
			"empty":             says(http.StatusCreated, `{"body":"%s"}`),
		},
		Stalled: channeltest.Case{Channel: func(t *testing.T) channel.Channel {
			return openServer(t, func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body) // the server notices only after reading the body that the client disconnects
				<-r.Context().Done()
			}, change)
		}},
		BadContent: []channel.Content{
			channel.Text(""), channel.Text("\u00a0\n"), channel.Text(strings.Repeat("x", 1601)), channel.Text("Your order \xff"),
		},
		Secrets: []string{token, signingSecret},
		Webhook: &channeltest.Webhook{
			Request: func(_ *testing.T, _ channel.Channel, id string) *http.Request {
				return newCallback(token, address, about(id, "delivered", ""))
			},
			Forged: func(_ *testing.T, _ channel.Channel, id string) *http.Request {
				return newCallback("guess", address, about(id, "delivered", ""))
			},
			Malformed: func(*testing.T, channel.Channel) *http.Request {
				return newCallback(token, address, url.Values{"To": {e164}})
			},
			Undelivered: func(_ *testing.T, _ channel.Channel, id string) *http.Request {
				return newCallback(token, address, about(id, "undelivered", "30005"))
			},
			Unknown: func(_ *testing.T, _ channel.Channel, id string) *http.Request {
				return newCallback(token, address, about(id, "teleported", ""))
			},
		},
	}
}

// fakeAccount is a Twilio that delivers every message, and tells who asks.
type fakeAccount struct {
	*http.ServeMux
	mu   sync.Mutex
	sids map[string]bool
}

func newAccount() *fakeAccount {
	a := &fakeAccount{ServeMux: http.NewServeMux(), sids: make(map[string]bool)}
	const messages = "/2010-04-01/Accounts/" + account + "/Messages"
	a.HandleFunc("POST "+messages+".json", func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		sid := fmt.Sprintf("SM%032x", len(a.sids))
		a.sids[sid] = true
		echoingHandler(http.StatusCreated, `{"sid":"`+sid+`","status":"queued","body":"%s"}`)(w, r)
	})
	a.HandleFunc("GET "+messages+"/{file}", func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		if sid, _ := strings.CutSuffix(r.PathValue("file"), ".json"); a.sids[sid] {
			echoingHandler(http.StatusOK, `{"sid":"`+sid+`","status":"delivered","body":"%s"}`)(w, r)
		} else {
			w.WriteHeader(http.StatusNotFound)
		}
	})
	return a
}

// echoingHandler is a Twilio that answers all requests alike. The answer repeats the whole
// request, the credentials too, plain and with escapes.
func echoingHandler(code int, format string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(body))
		user, password, ok := r.BasicAuth()
		if !ok || user == "" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.WriteHeader(code)
		_, _ = fmt.Fprintf(w, format, strings.Join([]string{
			form.Get("To"), password, form.Get("Body"), string(body), r.Header.Get("Authorization"),
		}, " "))
	}
}
