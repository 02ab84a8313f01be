package whatsapp_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/whatsapp"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/secret"
)

const (
	phoneNumberID = "106540352242922" // that of Meta's examples
	token         = "EAAJB-token-5f3c9a1e"
	appSecret     = "app-secret-one"
	oldSecret     = "app-secret-two"
	verifyToken   = "vibecoding-7c1d"
)

// fakeGraph is a fake Graph API. It accepts well-formed messages, unless answer is set.
type fakeGraph struct {
	url    string
	bodies chan []byte // of the requests
}

// newFakeGraph starts a Graph API that answers every call with answer, or accepts it if
// answer is nil.
func newFakeGraph(t testing.TB, answer http.HandlerFunc) *fakeGraph {
	t.Helper()
	if answer == nil {
		answer = acceptMessage
	}
	g := &fakeGraph{bodies: make(chan []byte, 1000)}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		g.bodies <- body
		if r.Method != http.MethodPost || r.URL.Path != "/v25.0/"+phoneNumberID+"/messages" ||
			r.Header.Get("Content-Type") != "application/json" {
			refuseWith(http.StatusNotFound, 33, "Unknown path", "")(w, r)
			return
		}
		if r.Header.Get("Authorization") != "Bearer "+token {
			refuseWith(http.StatusUnauthorized, 190, "Invalid OAuth access token", r.Header.Get("Authorization"))(w, r)
			return
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	g.url = s.URL
	return g
}

func acceptMessage(w http.ResponseWriter, r *http.Request) {
	var sent struct {
		Attempt string `json:"biz_opaque_callback_data"`
	}
	_ = json.NewDecoder(r.Body).Decode(&sent)
	attemptsByProviderID.Store(whatsapp.MessageKey(wamidOf(sent.Attempt)), sent.Attempt)
	_, _ = fmt.Fprintf(w, `{"messaging_product":"whatsapp","contacts":[{"input":"+16505551234","wa_id":"16505551234"}],`+
		`"messages":[{"id":%q}]}`, wamidOf(sent.Attempt))
}

// attemptsByProviderID has the attempts that acceptMessage accepted.
var attemptsByProviderID sync.Map

// wamidOf returns the ID that the fake Graph API gives to the message of an attempt. It
// holds the person's number, as Meta's IDs do.
func wamidOf(attempt string) string {
	return "wamid." + base64.StdEncoding.EncodeToString([]byte("\x1c\x18\x0b16505551234\x15\x02\x00\x11\x18"+attempt+"\x00"))
}

// refuseWith answers as Meta does, and repeats the request.
func refuseWith(status, code int, title, details string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		echo, _ := io.ReadAll(r.Body)
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{
			"message":    fmt.Sprintf("(#%d) %s", code, title),
			"type":       "OAuthException",
			"code":       code,
			"error_data": map[string]string{"messaging_product": "whatsapp", "details": details + string(echo)},
			"fbtrace_id": "Az8or2yhqkZfEZ-_4Qn_Bam",
		}})
	}
}

// config returns the config of a channel to the fake Graph API.
func config(url string) whatsapp.Config {
	return whatsapp.Config{
		PhoneNumberID: phoneNumberID,
		Token:         func() string { return token },
		AppSecrets:    secret.NewAll(appSecret, oldSecret),
		VerifyTokens:  secret.NewAll(verifyToken),
		BaseURL:       url,
	}
}

func open(t testing.TB, c whatsapp.Config) *whatsapp.Channel {
	t.Helper()
	ch, err := whatsapp.New(c)
	require.NoError(t, err)
	return ch
}

func number(t testing.TB, e164 string) channel.Recipient {
	t.Helper()
	n, err := phone.Parse(e164)
	require.NoError(t, err)
	return channel.Recipient{Phone: n}
}

// person is the recipient of envelopes.
var person = func() channel.Recipient {
	n, err := phone.Parse("+16505551234")
	if err != nil {
		panic(err)
	}
	return channel.Recipient{Phone: n}
}()

func envelope(content channel.Content) channel.Envelope {
	return channel.Envelope{AttemptID: uuid.New(), To: person, Content: content, Try: 1}
}

// testdata reads one of Meta's examples.
func testdata(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", filepath.FromSlash(name)))
	require.NoError(t, err)
	return text
}
