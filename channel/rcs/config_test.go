package rcs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/rcs"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/status"
)

func TestConfig_NamesEveryMistake(t *testing.T) {
	t.Parallel()
	_, err := rcs.New(rcs.Config{})
	require.EqualError(t, err, "rcs: Config.AgentID is required\nrcs: Config.ServiceAccount or Token is required, and not both")
	_, err = rcs.New(rcs.Config{
		BaseURL: "https://example.com/?x", AgentID: agent, ServiceAccount: secret.New("{}"), Token: tokenOf("x"),
		ClientTokens: secret.NewAll(""), TrafficType: "{{x}}", Codes: map[string]channel.Verdict{"NOT_FOUND": {Status: status.Failed}},
	})
	require.EqualError(t, err, strings.Join([]string{
		"rcs: Config.BaseURL must be an absolute http or https URL without a query",
		"rcs: Config.ServiceAccount or Token is required, and not both",
		"rcs: Config.ClientTokens[0] is empty",
		"rcs: Config.TrafficType must be a word in capitals, such as AUTHENTICATION",
		`rcs: Config.Codes["NOT_FOUND"] has no Reason`,
		"rcs: Config.ServiceAccount is no key file of a service account: type, client_email and token_uri are required",
	}, "\n"))
	for file, want := range map[string]string{
		"/etc/key.json": "is no JSON key file",
		`{"type": "service_account", "client_email": "x", "token_uri": "https://example.com", "private_key": "x"}`:                                        "has no private_key in PEM",
		`{"type": "service_account", "client_email": "x", "token_uri": "https://example.com", "private_key": "-----BEGIN X-----\nAAAA\n-----END X-----"}`: "has a private_key that is no RSA key in PKCS #8",
	} {
		_, err := rcs.New(rcs.Config{AgentID: agent, ServiceAccount: secret.New(file)})
		require.EqualError(t, err, "rcs: Config.ServiceAccount "+want)
	}
}

func TestFormat_PrintsNoSecret(t *testing.T) {
	t.Parallel()
	config := rcs.Config{AgentID: agent, ServiceAccount: keyFile(t, "https://example.com/token"), ClientTokens: secret.NewAll(clientToken)}
	c, err := rcs.New(config)
	require.NoError(t, err)
	message := rcs.Message(`{"contentMessage": {"text": "secret-9a1e"}}`)
	var said bytes.Buffer
	for _, v := range []any{config, &config, c, *c, []any{config, c}, struct{ C rcs.Config }{config}, struct{ c rcs.Channel }{*c}, message, &message} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&said, verb+"\n", v)
		}
		slog.New(slog.NewJSONHandler(&said, nil)).Info("here", "value", v)
		_ = json.NewEncoder(&said).Encode(v)
	}
	require.Contains(t, said.String(), "rcs.Config(rcs)")
	for _, s := range []string{"PRIVATE KEY", clientToken, "secret-9a1e", fmt.Sprintf("%x", clientToken), fmt.Sprintf("%x", "secret-9a1e")} {
		require.NotContains(t, said.String(), s)
	}
}
