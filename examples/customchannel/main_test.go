package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/channeltest"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/status"
)

func Example() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
	// Output:
	// after the first step:
	//   order A-1: accepted
	//     chat: accepted
	//   order A-2: delivered
	//     chat: undeliverable, no_contact (http 404 no_member)
	//     sms: delivered
	// after the webhook's call:
	//   order A-1: delivered
	//     chat: delivered and read
	//   order A-2: delivered
	//     chat: undeliverable, no_contact (http 404 no_member)
	//     sms: delivered
}

const (
	token  = "token-of-the-sender"
	secret = "secret-of-the-webhook"
)

// member is the ID of a person whom the service knows.
const member = "ann-4af4980629ba1e1d"

// withID returns a person who has the ID at the service, and no number.
func withID(id string) channel.Recipient {
	return channel.Recipient{IDs: map[channel.Name]string{"chat": id}}
}

// chatTo returns a function that opens a channel to a service.
func chatTo(h http.Handler) func(*testing.T) channel.Channel {
	return func(t *testing.T) channel.Channel {
		t.Helper()
		s := httptest.NewServer(h)
		t.Cleanup(s.Close)
		c := NewChat(s.URL, token, secret)
		c.client.Transport = s.Client().Transport // Close cuts the default one's connections, of other tests too
		return c
	}
}

func newService() *service {
	return &service{
		token: token, secret: secret, members: map[string]bool{member: true}, posts: make(map[string]post),
	}
}

// caseAnswering returns the case of a service that gives one answer to every call, and
// repeats the call in it wherever possible.
func caseAnswering(code int, body string) channeltest.Case {
	return channeltest.Case{Channel: chatTo(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, _ := io.ReadAll(r.Body)
		w.Header().Set("Retry-After", "30")
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(code)
		fmt.Fprint(w, strings.ReplaceAll(body, "SENT", strings.Trim(string(must(json.Marshal(string(sent)))), `"`)))
	}))}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func TestChat_KeepsContract(t *testing.T) {
	t.Parallel()
	call := func(t *testing.T, what report) *http.Request {
		t.Helper()
		r, err := newService().newCall("http://webhook.example/chat", what)
		require.NoError(t, err)
		return r
	}
	receipt := func(t *testing.T, _ channel.Channel, id string) *http.Request {
		t.Helper()
		return call(t, report{ID: id, State: "read", At: time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC)})
	}
	channeltest.Run(t, channeltest.Harness{
		Channel: chatTo(newService()),
		Content: channel.Text("Your order has shipped and will arrive on Friday."),
		To:      withID(member),
		Unreachable: map[string]channeltest.Case{
			"no member":   {To: withID("bob-1d6e0f0c51b7e2a9")},
			"no chat ID":  {To: channel.Recipient{Phone: simulated.Number(0, 0, 0)}},
			"another ID":  {To: channel.Recipient{IDs: map[channel.Name]string{channel.LINEPush: member}}},
			"blocked":     caseAnswering(http.StatusConflict, `{"error":"blocked"}`),
			"wrong token": caseAnswering(http.StatusUnauthorized, `{"error":"bad_token SENT"}`),
		},
		Faults: map[string]channeltest.Case{
			"busy":            caseAnswering(http.StatusServiceUnavailable, `{"error":"busy"}`),
			"throttled":       caseAnswering(http.StatusTooManyRequests, `SENT`),
			"broken":          caseAnswering(http.StatusInternalServerError, `{"error":"SENT"}`),
			"bad request":     caseAnswering(http.StatusBadRequest, `{"error":"SENT"}`),
			"moved":           caseAnswering(http.StatusTemporaryRedirect, ``),
			"no sense":        caseAnswering(http.StatusOK, `{"id":"SENT"`),
			"an unknown word": caseAnswering(http.StatusOK, `{"id":"1","state":"SENT"}`),
			"nobody there": {Channel: func(t *testing.T) channel.Channel {
				t.Helper()
				s := httptest.NewServer(newService())
				s.Close()
				return NewChat(s.URL, token, secret)
			}},
		},
		Stalled: channeltest.Case{Channel: chatTo(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // otherwise the server does not notice that the client has gone
			<-r.Context().Done()
		}))},
		BadContent: []channel.Content{channel.Text(strings.Repeat("long ", 101))},
		Secrets:    []string{token, secret},
		Webhook: &channeltest.Webhook{
			Request: receipt,
			Forged: func(t *testing.T, c channel.Channel, id string) *http.Request {
				t.Helper()
				r := receipt(t, c, id)
				r.Header.Set("X-Chat-Signature", strings.Repeat("00", 32))
				return r
			},
			Malformed: func(t *testing.T, _ channel.Channel) *http.Request {
				t.Helper()
				return call(t, report{State: "lost"})
			},
			Undelivered: func(t *testing.T, _ channel.Channel, id string) *http.Request {
				t.Helper()
				return call(t, report{ID: id, State: "dropped"})
			},
			Unknown: func(t *testing.T, _ channel.Channel, id string) *http.Request {
				t.Helper()
				return call(t, report{ID: id, State: "teleported"})
			},
		},
	})
}

func TestChat_SendsPost(t *testing.T) {
	t.Parallel()
	s := newService()
	e := channel.Envelope{
		AttemptID: uuid.MustParse("0195939e-4c80-7000-8000-000000000001"),
		To:        withID(member),
		Content:   channel.Text("您的訂單 A-1 已出貨。"),
		Expires:   time.Date(2026, 3, 14, 11, 0, 0, 0, time.UTC),
	}
	result, err := chatTo(s)(t).Send(t.Context(), e)
	require.NoError(t, err)
	require.Equal(t, channel.Result{Status: status.Accepted, ProviderID: e.AttemptID.String()}, result)
	require.Equal(t, post{
		ID: e.AttemptID.String(), To: member, Text: "您的訂單 A-1 已出貨。", ExpiresAt: "2026-03-14T11:00:00Z",
	}, s.posts[e.AttemptID.String()])
}

func TestResultOf_MapsAnswers(t *testing.T) {
	t.Parallel()
	type verdict struct {
		status  status.Status
		reason  status.Reason
		inDoubt bool
		wait    time.Duration
	}
	for _, tt := range []struct {
		code int
		body string
		want verdict
	}{
		{http.StatusOK, `{"id":"1","state":"delivered"}`, verdict{status: status.Delivered}},
		{http.StatusOK, `{"id":"1","state":"dropped"}`, verdict{status: status.Undeliverable, reason: status.Expired}},
		{http.StatusOK, `{}`, verdict{reason: status.InDoubt, inDoubt: true}},
		{http.StatusNotFound, `{}`, verdict{status: status.Undeliverable, reason: status.NoContact}},
		{http.StatusConflict, `{}`, verdict{status: status.Undeliverable, reason: status.Blocked}},
		{http.StatusForbidden, `{}`, verdict{status: status.Undeliverable, reason: status.Authorization}},
		{http.StatusUnprocessableEntity, `{}`, verdict{status: status.Failed, reason: status.TemplateConfig}},
		{http.StatusFound, ``, verdict{status: status.Failed, reason: status.SystemError}},
		{http.StatusTooManyRequests, ``, verdict{reason: status.SystemError, wait: 30 * time.Second}},
		{http.StatusServiceUnavailable, ``, verdict{reason: status.SystemError, wait: 30 * time.Second}},
		{http.StatusBadGateway, ``, verdict{reason: status.InDoubt, inDoubt: true}},
	} {
		t.Run(http.StatusText(tt.code)+" "+tt.body, func(t *testing.T) {
			t.Parallel()
			result, err := caseAnswering(tt.code, tt.body).Channel(t).Send(t.Context(), channel.Envelope{
				AttemptID: uuid.New(), To: withID(member), Content: channel.Text("hello"),
			})
			got := verdict{status: result.Status, reason: result.Reason}
			if err != nil {
				var e *channel.Error
				require.ErrorAs(t, err, &e)
				got = verdict{e.Status(), e.Reason(), e.InDoubt(), e.RetryAfter()}
			}
			require.Equal(t, tt.want, got)
		})
	}
}
