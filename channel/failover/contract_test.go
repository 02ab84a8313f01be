package failover_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/channeltest"
	"github.com/smsplus/smsplus-go/channel/httpapi"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/status"
)

// TestChannel_KeepsContractOverSessions runs the suite with two providers that have sessions
// and can be asked.
func TestChannel_KeepsContractOverSessions(t *testing.T) {
	t.Parallel()
	with := func(o simulated.Outcome) channeltest.Case {
		return channeltest.Case{To: channel.Recipient{Phone: simulated.Number(o, o, o)}}
	}
	h := channeltest.Harness{
		Channel: func(t *testing.T) channel.Channel {
			var providers []channel.Channel
			for _, name := range []channel.Name{"one", "two"} {
				p := simulated.New(simulated.Config{
					Name: name, Delay: time.Millisecond, Late: 2 * time.Millisecond, Slow: time.Hour,
					Traits: channel.Traits{Machine: status.SMS, Idempotent: true, Expires: true},
				})
				t.Cleanup(func() { require.NoError(t, p.Close()) })
				providers = append(providers, simulated.Askable{Channel: p})
			}
			return openSMS(t, providers...)
		},
		Content:         channel.Text("Your order has shipped and will arrive on Friday"),
		TakesAnyContent: true,
		To:              with(simulated.ReceiptTwice).To,
		Unreachable:     map[string]channeltest.Case{"no number": {To: channel.Recipient{IDs: map[channel.Name]string{channel.LINEPush: "U4af4980629ba1e1d3c2f6a57c1b1c9d2"}}}},
		Faults:          map[string]channeltest.Case{},
		Stalled:         with(simulated.Slow),
		Report:          func(*testing.T, channel.Channel, string) {}, // the simulated channels report by themselves
		NoReceipts:      true,                                         // in calls: no provider has a webhook
	}
	for o := simulated.NoContact; o <= simulated.CarrierError; o++ {
		h.Unreachable[o.String()] = with(o)
	}
	for _, o := range []simulated.Outcome{
		simulated.TemplateConfig, simulated.SystemError, simulated.FlakyTwice, simulated.Throttled,
		simulated.Down, simulated.InDoubtTaken, simulated.InDoubtLost,
	} {
		h.Faults[o.String()] = with(o)
	}
	channeltest.Run(t, h)
}

// TestChannel_KeepsContractOverWebhooks runs the suite with two providers that have HTTP APIs
// and webhooks. One of them quotes the attempt. In each case the first provider refuses
// everything, so that the second one's answer is the channel's.
func TestChannel_KeepsContractOverWebhooks(t *testing.T) {
	t.Parallel()
	for _, quoting := range []bool{true, false} {
		t.Run(fmt.Sprintf("quoting=%v", quoting), func(t *testing.T) {
			t.Parallel()
			behind := func(first, second http.HandlerFunc) func(*testing.T) channel.Channel {
				return func(t *testing.T) channel.Channel {
					return openSMS(t, newHTTPProvider(t, "first", quoting, first), newHTTPProvider(t, "second", quoting, second))
				}
			}
			both := func(h http.HandlerFunc) channeltest.Case { return channeltest.Case{Channel: behind(h, h)} }
			call := func(key, body string) *http.Request {
				mac := hmac.New(sha256.New, []byte(key))
				mac.Write([]byte(body))
				r := httptest.NewRequest(http.MethodPost, "/receipts/sms/second", strings.NewReader(body))
				r.Header.Set("X-Signature", hex.EncodeToString(mac.Sum(nil)))
				return r
			}
			receipt := func(id string) string {
				return fmt.Sprintf(`{"id":%q}`, strings.TrimPrefix(id, "second:"))
			}
			channeltest.Run(t, channeltest.Harness{
				RequestsPerSend: 2, // one of each provider
				Channel:         behind(echoingHandler(503, "Retry-After", "1"), echoingHandler(202)),
				Content:         channel.Text("Your order has shipped and will arrive on Friday"),
				To:              channel.Recipient{Phone: number},
				Unreachable: map[string]channeltest.Case{
					"no number":      {To: channel.Recipient{IDs: map[channel.Name]string{channel.LINEPush: "U4af4980629ba1e1d3c2f6a57c1b1c9d2"}}},
					"invalid number": both(echoingHandler(422)),
				},
				Faults: map[string]channeltest.Case{
					"throttled":         both(echoingHandler(429)),
					"wrong credentials": both(echoingHandler(401)),
					"broken":            both(echoingHandler(502)),
					"senseless":         both(echoingHandler(418)),
					"one of each":       {Channel: behind(echoingHandler(403), echoingHandler(429))},
				},
				Stalled: both(func(_ http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body) // the server notices only after reading the body that the client disconnects
					<-r.Context().Done()
				}),
				Secrets: []string{secret},
				Webhook: &channeltest.Webhook{
					Request:   func(_ *testing.T, _ channel.Channel, id string) *http.Request { return call(secret, receipt(id)) },
					Forged:    func(_ *testing.T, _ channel.Channel, id string) *http.Request { return call("guess", receipt(id)) },
					Malformed: func(*testing.T, channel.Channel) *http.Request { return call(secret, `{"id":`) },
				},
				NoReceipts: true, // in sessions: no provider has one
			})
		})
	}
}

const secret = "secret-9a1e"

// httpProvider is the adapter of a provider with an HTTP API. It identifies messages by the
// attempt's ID, or else by a number of its own.
type httpProvider struct {
	name    channel.Name
	url     string
	quoting bool
}

func newHTTPProvider(t *testing.T, name channel.Name, quoting bool, provider http.HandlerFunc) *httpProvider {
	server := httptest.NewServer(provider)
	t.Cleanup(server.Close)
	return &httpProvider{name: name, url: server.URL, quoting: quoting}
}

// echoingHandler answers with code and repeats the request.
func echoingHandler(code int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if len(header) > 0 {
			w.Header().Set(header[0], header[1])
		}
		w.WriteHeader(code)
		_, _ = io.Copy(w, r.Body)
	}
}

func (a *httpProvider) Name() channel.Name     { return a.name }
func (a *httpProvider) Traits() channel.Traits { return channel.Traits{Machine: status.SMS} }

func (a *httpProvider) CheckContent(c channel.Content) error {
	if _, ok := c.(channel.Text); !ok {
		return errors.New("the content is no text")
	}
	return nil
}

func (a *httpProvider) Send(ctx context.Context, e channel.Envelope) (channel.Result, error) {
	if err := a.CheckContent(e.Content); err != nil {
		return channel.Result{}, channel.Failed(status.TemplateConfig, err.Error())
	}
	if e.To.Phone.IsZero() {
		return channel.Result{}, channel.Undeliverable(status.InvalidNumber, "there is no number")
	}
	body := fmt.Sprintf("%s %s %s", e.AttemptID, e.To.Phone.E164(), e.Content)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url, strings.NewReader(body))
	if err != nil {
		return channel.Result{}, err
	}
	answer, err := httpapi.Do(http.DefaultClient, req)
	if err != nil {
		return channel.Result{}, err
	}
	verdict := answer.Verdict()
	if answer.Code == http.StatusUnprocessableEntity {
		verdict = channel.Verdict{Status: status.Undeliverable, Reason: status.InvalidNumber}
	}
	words := httpapi.Words(string(answer.Body), body, string(e.Content.(channel.Text)))
	if err := verdict.Error(words, answer.RetryAfter()); err != nil {
		return channel.Result{}, err
	}
	id := e.AttemptID.String()
	if !a.quoting {
		id = "no-" + id
	}
	return channel.Result{Status: verdict.Status, ProviderID: id}, nil
}

func (a *httpProvider) ReceiptHandler(s channel.Sink) http.Handler {
	return httpapi.Webhook{
		Verify: func(r *http.Request, body []byte) bool {
			mac, err := hex.DecodeString(r.Header.Get("X-Signature"))
			return err == nil && httpapi.Signed(sha256.New, []string{secret}, body, mac)
		},
		Receipts: func(_ *http.Request, body []byte) ([]channel.Receipt, error) {
			var call struct{ ID string }
			err := json.Unmarshal(body, &call)
			return []channel.Receipt{{Channel: a.name, ProviderID: call.ID, Status: status.Delivered}}, err
		},
	}.Handler(s)
}
