package oracle

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2/jws" //nolint:staticcheck // deprecated, and still an oracle
	"golang.org/x/oauth2/jwt"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/rcs"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/secret"
)

// TestRCSToken_AgreesWithOAuth2 proves that channel/rcs asks for an access token as
// golang.org/x/oauth2 does, apart from the times, and that x/oauth2 verifies its assertion.
func TestRCSToken_AgreesWithOAuth2(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	private := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})

	var requests []*http.Request
	google := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			_ = r.ParseForm() // the test looks at the form
			requests = append(requests, r)
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"access_token": "ya29.x", "expires_in": 3599, "token_type": "Bearer"}`)
			return
		}
		if r.Header.Get("Authorization") != "Bearer ya29.x" {
			w.WriteHeader(http.StatusUnauthorized)
		}
		_, _ = io.WriteString(w, `{}`)
	}))
	defer google.Close()

	const email, scope = "smsplus@acme.iam.gserviceaccount.com", "https://www.googleapis.com/auth/rcsbusinessmessaging"
	file, err := json.Marshal(map[string]string{
		"type": "service_account", "client_email": email, "private_key": string(private), "private_key_id": "8a1e", "token_uri": google.URL + "/token",
	})
	require.NoError(t, err)
	c, err := rcs.New(rcs.Config{BaseURL: google.URL, AgentID: "acme", ServiceAccount: secret.New(string(file))})
	require.NoError(t, err)
	number, err := phone.Parse("+886912345678")
	require.NoError(t, err)
	_, err = c.Send(t.Context(), channel.Envelope{AttemptID: uuid.New(), To: channel.Recipient{Phone: number}, Content: channel.Text("Hi"), Try: 1})
	require.NoError(t, err)

	theirs := jwt.Config{Email: email, PrivateKey: private, PrivateKeyID: "8a1e", Scopes: []string{scope}, TokenURL: google.URL + "/token"}
	token, err := theirs.TokenSource(context.Background()).Token()
	require.NoError(t, err)
	require.Equal(t, "ya29.x", token.AccessToken)

	require.Len(t, requests, 2)
	var claims [2]*jws.ClaimSet
	for i, r := range requests {
		require.Equal(t, requests[1].Method, r.Method)
		require.Equal(t, requests[1].Header.Get("Content-Type"), r.Header.Get("Content-Type"))
		require.Equal(t, requests[1].PostForm.Get("grant_type"), r.PostForm.Get("grant_type"))
		require.Len(t, r.PostForm, 2)
		assertion := r.PostForm.Get("assertion")
		require.NoError(t, jws.Verify(assertion, &key.PublicKey))
		claims[i], err = jws.Decode(assertion)
		require.NoError(t, err)
		require.InDelta(t, 3600, claims[i].Exp-claims[i].Iat, 10)
		claims[i].Exp, claims[i].Iat = 0, 0
	}
	require.Equal(t, claims[1], claims[0])
}
