package rcs_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/rcs"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	agent       = "acme_agent"
	clientToken = "SJENCPGJESMGUFPY"
	accessToken = "ya29.token-5f3c9a1e4b7d2086"
	e164        = "+886912345678"
	attempt     = "8f14e45f-ceea-467f-ab1d-5d5f0d6c1b2a"
)

// noonClock is a Clock that always shows noon.
type noonClock struct{}

func (noonClock) Now() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }

// platform is an RCS for Business as the reference describes it. It checks each request, and
// ignores a message whose ID was used.
type platform struct {
	t *testing.T
	// refuse answers a request instead of the platform, if it returns true.
	refuse func(w http.ResponseWriter, body []byte) bool

	mu       sync.Mutex
	requests int
	messages map[string]string // the AgentMessages by ID
	revoked  []string          // the IDs of messages that were taken back
}

var (
	messagesPath = regexp.MustCompile(`^/v1/phones/(\+[1-9][0-9]{6,14})/agentMessages$`)
	messagePath  = regexp.MustCompile(`^/v1/phones/\+[1-9][0-9]{6,14}/agentMessages/([0-9a-f-]{36})$`)
)

func (p *platform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if r.Method == http.MethodDelete {
		p.revoke(w, r, body)
		return
	}
	path := messagesPath.FindStringSubmatch(r.URL.Path)
	query := r.URL.Query()
	id, err := uuid.Parse(query.Get("messageId"))
	var message struct {
		ContentMessage     map[string]any `json:"contentMessage"`
		MessageTrafficType string         `json:"messageTrafficType"`
		TTL                string         `json:"ttl"`
	}
	decoder := json.NewDecoder(strings.NewReader(string(body)))
	decoder.DisallowUnknownFields()
	if r.Method != http.MethodPost || path == nil || err != nil || query.Get("agentId") != agent || len(query) != 2 ||
		r.Header.Get("Content-Type") != "application/json" || decoder.Decode(&message) != nil || len(message.ContentMessage) == 0 {
		p.t.Errorf("unexpected request: %s %s %s", r.Method, r.URL, body)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests++
	switch {
	case p.refuse != nil && p.refuse(w, body):
	case r.Header.Get("Authorization") != "Bearer "+accessToken:
		refuseWith(w, 401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
	default:
		if p.messages[id.String()] == "" {
			p.messages[id.String()] = string(body)
		}
		_, _ = fmt.Fprintf(w, `{"name": "phones/%s/agentMessages/%s", "sendTime": "2026-11-24T12:00:00.125Z", "contentMessage": {}}`, path[1], id)
	}
}

// revoke answers a request to take a message back.
func (p *platform) revoke(w http.ResponseWriter, r *http.Request, body []byte) {
	path := messagePath.FindStringSubmatch(r.URL.Path)
	if path == nil || r.URL.RawQuery != "agentId="+agent || len(body) > 0 || r.Header.Get("Authorization") != "Bearer "+accessToken {
		p.t.Errorf("unexpected request: %s %s %s", r.Method, r.URL, body)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests++
	switch {
	case p.refuse != nil && p.refuse(w, body):
	case p.messages[path[1]] == "" || slices.Contains(p.revoked, path[1]):
		refuseWith(w, 404, "NOT_FOUND", "Requested entity was not found.")
	default:
		p.revoked = append(p.revoked, path[1])
		_, _ = io.WriteString(w, "{}")
	}
}

// refuseWith answers with an error in the form of Google's APIs (google.rpc.Status).
func refuseWith(w http.ResponseWriter, code int, word, message string) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"code": code, "message": message, "status": word}})
}

// refuses answers every request with an error that repeats the request.
func refuses(code int, word string) func(http.ResponseWriter, []byte) bool {
	return func(w http.ResponseWriter, body []byte) bool {
		refuseWith(w, code, word, "The message cannot be sent: "+string(body)+" "+e164)
		return true
	}
}

// onlyMessage returns the AgentMessage of the only message.
func (p *platform) onlyMessage() string {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	require.Len(p.t, p.messages, 1)
	for _, message := range p.messages {
		return message
	}
	return ""
}

// open returns a channel to a platform.
func open(t *testing.T, refuse func(http.ResponseWriter, []byte) bool, change ...func(*rcs.Config)) (*rcs.Channel, *platform) {
	t.Helper()
	p := &platform{t: t, refuse: refuse, messages: make(map[string]string)}
	return openServer(t, p, change...), p
}

// openServer returns a channel to any server.
func openServer(t *testing.T, h http.Handler, change ...func(*rcs.Config)) *rcs.Channel {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	c := rcs.Config{
		BaseURL: server.URL, AgentID: agent, ClientTokens: secret.NewAll(clientToken), Client: server.Client(), Clock: noonClock{},
		Token: tokenOf(accessToken),
	}
	for _, f := range change {
		f(&c)
	}
	ch, err := rcs.New(c)
	require.NoError(t, err)
	return ch
}

func number(t testing.TB) phone.Number {
	t.Helper()
	n, err := phone.Parse(e164)
	require.NoError(t, err)
	return n
}

func envelope(t testing.TB, content channel.Content) channel.Envelope {
	t.Helper()
	return channel.Envelope{AttemptID: uuid.MustParse(attempt), To: channel.Recipient{Phone: number(t)}, Content: content, Try: 1}
}

// accountKey is the key of the service account.
var accountKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// keyFile returns the key file of a service account, whose tokens come from that URL.
func keyFile(t testing.TB, tokenURL string) secret.Text {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(accountKey())
	require.NoError(t, err)
	file, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "rbm-acme", "private_key_id": "8a1e",
		"private_key":  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"client_email": "smsplus@rbm-acme.iam.gserviceaccount.com", "token_uri": tokenURL,
	})
	require.NoError(t, err)
	return secret.New(string(file))
}

// tokenServer is Google's token endpoint.
type tokenServer struct {
	t      *testing.T
	url    string
	answer func(w http.ResponseWriter) // nil: a token

	mu     sync.Mutex
	claims []map[string]any // of each request
}

func newTokenServer(t *testing.T) *tokenServer {
	s := &tokenServer{t: t}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.url = server.URL + "/token"
	return s
}

func (s *tokenServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm() // the checks below look at the form
	parts := strings.Split(r.PostForm.Get("assertion"), ".")
	if r.PostForm.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" || len(parts) != 3 || r.URL.RawQuery != "" {
		s.t.Errorf("unexpected token request: %s %v", r.URL, r.PostForm)
		return
	}
	signature, _ := base64.RawURLEncoding.DecodeString(parts[2])
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(&accountKey().PublicKey, crypto.SHA256, sum[:], signature); err != nil {
		s.t.Error(err)
	}
	var claims, header map[string]any
	for i, part := range []*map[string]any{&header, &claims} {
		text, _ := base64.RawURLEncoding.DecodeString(parts[i])
		if err := json.Unmarshal(text, part); err != nil {
			s.t.Error(err)
		}
	}
	assert.Equal(s.t, map[string]any{"alg": "RS256", "typ": "JWT", "kid": "8a1e"}, header)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.claims = append(s.claims, claims)
	if s.answer != nil {
		s.answer(w)
		return
	}
	_, _ = io.WriteString(w, `{"access_token": "`+accessToken+`", "expires_in": 3599, "token_type": "Bearer"}`)
}

// requests returns how many tokens were asked for.
func (s *tokenServer) requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.claims)
}

// withAccount lets a channel get its tokens from a server.
func withAccount(s *tokenServer, clock rcs.Clock) func(*rcs.Config) {
	return func(c *rcs.Config) { c.Token, c.ServiceAccount, c.Clock = nil, keyFile(s.t, s.url), clock }
}
