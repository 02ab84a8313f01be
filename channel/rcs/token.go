package rcs

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/httpapi"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/status"
)

const (
	scope = "https://www.googleapis.com/auth/rcsbusinessmessaging"
	// assertionValidity is the longest that Google takes ("Using OAuth 2.0 for Server to
	// Server Applications").
	assertionValidity = time.Hour
	// tokenMargin is how long before its end a token is replaced.
	tokenMargin = time.Minute
)

// tokenSource gets the access tokens of a service account, each for about an hour: it signs an
// assertion (RFC 7523), which Google exchanges for a token.
type tokenSource struct {
	email, keyID, tokenURL string
	key                    *rsa.PrivateKey
	client                 *http.Client
	clock                  Clock

	// turn holds a value while the fields below are not in use. It is a lock that a context
	// can end the wait for.
	turn  chan struct{}
	token secret.Text
	endAt time.Time
}

// newTokenSource parses Config.ServiceAccount.
func newTokenSource(c Config) (*tokenSource, error) {
	var file struct {
		Type         string `json:"type"`
		Email        string `json:"client_email"`
		PrivateKey   string `json:"private_key"`
		PrivateKeyID string `json:"private_key_id"`
		TokenURL     string `json:"token_uri"`
	}
	bad := func(what string) (*tokenSource, error) { return nil, errors.New("rcs: Config.ServiceAccount " + what) }
	if json.Unmarshal([]byte(c.ServiceAccount.Reveal()), &file) != nil {
		return bad("is no JSON key file")
	}
	if file.Type != "service_account" || file.Email == "" || !isHTTPURL(file.TokenURL) {
		return bad("is no key file of a service account: type, client_email and token_uri are required")
	}
	block, _ := pem.Decode([]byte(file.PrivateKey))
	if block == nil {
		return bad("has no private_key in PEM")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, isRSA := parsed.(*rsa.PrivateKey)
	if err != nil || !isRSA {
		return bad("has a private_key that is no RSA key in PKCS #8")
	}
	s := &tokenSource{
		email: file.Email, keyID: file.PrivateKeyID, tokenURL: file.TokenURL, key: key,
		client: c.Client, clock: c.Clock, turn: make(chan struct{}, 1),
	}
	s.turn <- struct{}{}
	return s, nil
}

// accessToken returns the token of a send. fresh says that it was made for this send. The error
// is that of a Send.
func (c *Channel) accessToken(ctx context.Context) (token secret.Text, fresh bool, err error) {
	s := c.setup()
	if s.tokens != nil {
		return s.tokens.get(ctx)
	}
	if token, err = s.Token(ctx); err != nil || token.IsZero() {
		// The error may hold anything, and it may pass.
		return token, false, channel.Temporary(errors.New("Config.Token returned no access token"), 0)
	}
	return token, true, nil
}

// dropToken forgets a token that the platform has refused. It reports whether the next send
// gets another one.
func (c *Channel) dropToken(token secret.Text) bool {
	s := c.setup().tokens
	if s == nil {
		return false
	}
	select {
	case <-s.turn:
		defer func() { s.turn <- struct{}{} }()
	default:
		return true // it is being replaced
	}
	if s.token.Reveal() == token.Reveal() {
		s.token = secret.Text{}
	}
	return true
}

// get returns the current token, or a new one if it ends soon.
func (s *tokenSource) get(ctx context.Context) (token secret.Text, fresh bool, err error) {
	select {
	case <-s.turn:
		defer func() { s.turn <- struct{}{} }()
	case <-ctx.Done():
		return token, false, channel.Temporary(ctx.Err(), 0)
	}
	if !s.token.IsZero() && s.clock.Now().Add(tokenMargin).Before(s.endAt) {
		return s.token, false, nil
	}
	s.token, s.endAt, err = s.exchange(ctx)
	return s.token, true, err
}

// exchange gets a new token.
func (s *tokenSource) exchange(ctx context.Context) (token secret.Text, endAt time.Time, err error) {
	now := s.clock.Now()
	assertion, err := s.assertion(now)
	if err != nil {
		return token, endAt, channel.Failed(status.SystemError, "no assertion can be signed")
	}
	form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.tokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return token, endAt, channel.Failed(status.SystemError, "no token request can be made")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := httpapi.Do(s.client, req)
	if err != nil {
		return token, endAt, channel.Temporary(fmt.Errorf("access token: %w", err), 0) // no message was sent
	}
	fields, _ := httpapi.ParseFields(answer.Body)
	text, seconds := fields.Text("access_token"), int64(0)
	if n, ok := fields.Int("expires_in"); ok {
		seconds = min(n, int64(assertionValidity/time.Second))
	}
	switch {
	case answer.Code == http.StatusOK && text != "" && seconds > 0:
		return secret.New(text), now.Add(time.Duration(seconds) * time.Second), nil
	case answer.Code == http.StatusBadRequest, answer.Code == http.StatusUnauthorized, answer.Code == http.StatusForbidden:
		detail := "no access token: " + httpapi.Words(fields.Text("error"), assertion)
		return token, endAt, channel.Undeliverable(status.Authorization, detail)
	default:
		return token, endAt, channel.Temporary(fmt.Errorf("no access token: HTTP %d", answer.Code), answer.RetryAfter())
	}
}

// assertion returns a signed JSON Web Token that asks for an access token.
func (s *tokenSource) assertion(now time.Time) (string, error) {
	header, _ := json.Marshal(map[string]string{"alg": "RS256", "typ": "JWT", "kid": s.keyID})
	claims, _ := json.Marshal(map[string]any{
		"iss": s.email, "scope": scope, "aud": s.tokenURL, "iat": now.Unix(), "exp": now.Add(assertionValidity).Unix(),
	})
	signed := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(claims)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, s.key, crypto.SHA256, sum[:])
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature), err
}
