package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/smsplustest"
	"github.com/smsplus/smsplus-go/sqlitestore"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		http.DefaultClient.CloseIdleConnections()
		os.Exit(code)
	}))
}

func TestDemonstrate_ShowsDeliveredMessage(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, demonstrate(t.Context(), listen(t), &out))
	require.Contains(t, out.String(), `"status":"delivered","ended":true,"channel":"line_notify"`)
	require.Contains(t, out.String(), "+886******100")
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "localhost:0")
	require.NoError(t, err)
	return l
}

// startService starts the service on a file, and returns its URL and the function that stops
// it.
func startService(t *testing.T, db string, env map[string]string) (url string, stop func()) {
	t.Helper()
	l := listen(t)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- serve(ctx, l, db, func(name string) string { return env[name] }) }()
	return "http://" + l.Addr().String(), func() {
		t.Helper()
		cancel()
		require.NoError(t, <-served)
	}
}

func TestService_AnswersByOutcome(t *testing.T) {
	t.Parallel()
	url, stop := startService(t, filepath.Join(t.TempDir(), "messages.db"), nil)
	defer stop()
	customer := simulated.Number(0, simulated.Silent, 0).E164()
	post := func(body string) (string, error) { return call(t.Context(), http.MethodPost, url+"/shipped", body) }

	id, err := post(`{"order":"A-1","phone":"` + customer + `"}`)
	require.NoError(t, err)
	again, err := post(`{"order":"A-1","phone":"` + customer + `"}`)
	require.NoError(t, err)
	require.Equal(t, id, again)
	record, err := call(t.Context(), http.MethodGet, url+"/messages/"+id, "")
	require.NoError(t, err)
	require.Contains(t, record, id)
	require.NotContains(t, record, customer)

	for body, want := range map[string]string{
		`{"order":"A-1","phone":"+886912345678"}`:                          "422",
		`{"order":"` + strings.Repeat("A", 5<<10) + `","phone":"+886912"}`: "400",
		`{"order":"A-2","phone":"0912345678"}`:                             "400",
		`{"phone":"+886912345678"}`:                                        "400",
		`{`:                                                                "400",
	} {
		_, err := post(body)
		require.ErrorContains(t, err, want)
	}
	for _, id := range []string{uuid.NewString(), "A-1"} {
		_, err := call(t.Context(), http.MethodGet, url+"/messages/"+id, "")
		require.ErrorContains(t, err, "404")
	}
}

// A message outlives the service: the file has it for the next start.
func TestService_KeepsMessagesWhenItStops(t *testing.T) {
	t.Parallel()
	db := filepath.Join(t.TempDir(), "messages.db")
	url, stop := startService(t, db, nil)
	id, err := call(t.Context(), http.MethodPost, url+"/shipped",
		`{"order":"A-1","phone":"`+simulated.Number(0, simulated.Silent, 0).E164()+`"}`)
	require.NoError(t, err)
	stop()
	store, err := sqlitestore.Open(t.Context(), db, sqlitestore.Options{})
	require.NoError(t, err)
	_, err = store.Message(t.Context(), uuid.MustParse(id))
	require.NoError(t, err)
	require.NoError(t, store.Close())

	url, stop = startService(t, db, nil)
	defer stop()
	_, err = call(t.Context(), http.MethodGet, url+"/messages/"+id, "")
	require.NoError(t, err)
}

// With credentials the channels are the real ones, and their providers' calls are taken.
func TestService_TakesCallsOfRealProviders(t *testing.T) {
	t.Parallel()
	url, stop := startService(t, filepath.Join(t.TempDir(), "messages.db"), map[string]string{
		"LINE_TOKEN": "token", "LINE_SECRET": "3f6c0b",
		"TWILIO_AUTH_TOKEN": "5f3c9a", "TWILIO_ACCOUNT_SID": "AC0123456789abcdef0123456789abcdef", "TWILIO_FROM": "+15005550006",
		"PUBLIC_URL": "https://example.com",
	})
	defer stop()
	attempt := smsplus.AttemptID(uuid.New(), 0)
	now := smsplustest.NewDay(t, smsplus.Config{}).Now()
	sms := smsplustest.Twilio{AuthToken: secret.New("5f3c9a"), StatusCallback: url + "/receipts/sms"}
	public := smsplustest.Twilio{AuthToken: secret.New("5f3c9a"), StatusCallback: "https://example.com/receipts/sms"}.Status(attempt, "delivered", 0)
	proxied := sms.Status(attempt, "delivered", 0)
	proxied.Header = public.Header // the proxy changes the URL alone
	for _, r := range []*http.Request{
		smsplustest.LINE{Secret: secret.New("3f6c0b"), URL: url + "/receipts/line_notify"}.Delivered(attempt, now),
		proxied,
	} {
		resp, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http.StatusOK, resp.StatusCode)
	}
}

func TestOpenChannels_ReportsIncompleteCredentials(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"LINE_TOKEN", "TWILIO_AUTH_TOKEN"} {
		_, err := openChannels(func(asked string) string { return map[string]string{name: "token"}[asked] })
		require.Error(t, err, name)
	}
}

func TestMain_IsShort(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("main.go")
	require.NoError(t, err)
	require.Less(t, bytes.Count(text, []byte("\n")), 150, "readers copy it")
}
