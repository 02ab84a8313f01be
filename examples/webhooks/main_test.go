package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/interop"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// fixture is a service between two providers that this module did not write. Prism checks
// its requests against LINE's OpenAPI description, and node-smpp is its carrier. LINE's
// own SDK makes and signs the calls of LINE.
type fixture struct {
	*service
	clock *clock.Mock
	url   string
	smsc  *interop.Peer
	line  *interop.Peer
}

const wait = 2 * time.Hour

func openFixture(t *testing.T) *fixture {
	t.Helper()
	prism := interop.Node(t, "prism.js", "line/messaging-api.yml")
	r := &fixture{clock: clock.NewMock(), smsc: interop.Node(t, "smsc.js"), line: interop.Node(t, "line-webhook.js")}
	r.clock.Set(time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC))
	s, err := open(settings{
		providers: providers{line: prism.Next(t), smsc: "127.0.0.1:" + r.smsc.Next(t)},
		wait:      wait, clock: r.clock,
	})
	require.NoError(t, err)
	r.service = s
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	r.url = server.URL + "/receipts/line_notify"

	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { // Tick does not listen to the session
		defer close(done)
		_ = s.sms.Listen(ctx, s.Receive)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return r
}

// send sends a notice that LINE accepts.
func (r *fixture) send(t *testing.T) uuid.UUID {
	t.Helper()
	to, err := phone.Parse("+886900000001")
	require.NoError(t, err)
	id, err := r.Send(t.Context(), smsplus.Trigger{
		Template: "shipped", Vars: map[string]string{"order": "A-1"}, To: channel.Recipient{Phone: to},
	})
	require.NoError(t, err)
	r.tick(t)
	require.Equal(t, "accepted line_notify:accepted", r.state(t, id))
	return id
}

func (r *fixture) tick(t *testing.T) {
	t.Helper()
	_, err := r.Tick(t.Context())
	require.NoError(t, err)
}

// state returns the statuses of a message and of its attempts.
func (r *fixture) state(t *testing.T, id uuid.UUID) string {
	t.Helper()
	m, err := r.Message(t.Context(), id)
	require.NoError(t, err)
	words := []string{m.Status.String()}
	for _, a := range m.Attempts {
		words = append(words, string(a.Channel)+":"+a.Status.String())
	}
	return strings.Join(words, " ")
}

// reportDelivery makes LINE report that the message is delivered.
func (r *fixture) reportDelivery(t *testing.T, id uuid.UUID) {
	t.Helper()
	question, err := json.Marshal(map[string]any{
		"post": r.url, "secret": lineSecret, "types": []string{"delivery"},
		"tag": smsplus.AttemptID(id, 0), "user": "U" + strings.Repeat("0", 32), "at": r.clock.Now().UnixMilli(),
	})
	require.NoError(t, err)
	r.line.Tell(t, string(question))
	require.JSONEq(t, `{"code": 200, "types": ["delivery"]}`, r.line.Next(t))
}

// waitForSMS waits until the carrier's delivery report is acknowledged, and returns the
// text that the carrier received.
func (r *fixture) waitForSMS(t *testing.T) (text string) {
	t.Helper()
	for {
		var said struct {
			Text, Report string
			Status       int
		}
		require.NoError(t, json.Unmarshal([]byte(r.smsc.Next(t)), &said))
		text += said.Text
		if said.Report != "" {
			require.Zero(t, said.Status)
			return text
		}
	}
}

func TestService_SendsSMSWhenLINEIsSilent(t *testing.T) {
	t.Parallel()
	r := openFixture(t)
	id := r.send(t)

	r.clock.Add(wait - time.Second)
	r.tick(t)
	require.Equal(t, "accepted line_notify:accepted", r.state(t, id), "its wait is not over")

	r.clock.Add(time.Second)
	r.tick(t)
	require.Equal(t, "您的訂單 A-1 已出貨。", r.waitForSMS(t))
	require.Equal(t, "delivered line_notify:accepted sms:delivered", r.state(t, id))

	m, err := r.Message(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, channel.SMS, m.Channel)
	require.True(t, m.DueAt.IsZero())

	r.reportDelivery(t, id) // the person completed LINE's verification late
	require.Equal(t, "delivered line_notify:delivered sms:delivered", r.state(t, id))
}

func TestService_SendsNoSMSWhenLINEDelivers(t *testing.T) {
	t.Parallel()
	r := openFixture(t)
	id := r.send(t)
	r.reportDelivery(t, id)
	require.Equal(t, "delivered line_notify:delivered", r.state(t, id))

	r.clock.Add(2 * wait)
	r.tick(t)
	m, err := r.Message(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, status.Delivered, m.Status)
	require.Len(t, m.Attempts, 1)
}

// The tests run in the example's own folder, which has no peers.
func TestStartPeers_SaysInOneLineWhatToInstall(t *testing.T) {
	t.Parallel()
	_, err := startPeers(t.Context(), new(providers))
	require.ErrorContains(t, err, "make peers")
	require.NotContains(t, err.Error(), "\n")

	stop, err := startPeers(t.Context(), &providers{line: "http://localhost:1", smsc: "localhost:2"})
	require.NoError(t, err, "others need no peers")
	stop()
}

func TestRun_PrintsDeliveries(t *testing.T) {
	t.Parallel()
	prism, smsc := interop.Node(t, "prism.js", "line/messaging-api.yml"), interop.Node(t, "smsc.js")
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out, providers{line: prism.Next(t), smsc: "127.0.0.1:" + smsc.Next(t)}))
	require.Equal(t, ""+
		"+886******001: delivered\n  line_notify delivered\n"+
		"+886******002: delivered\n  line_notify accepted\n  sms delivered\n", out.String())
}
