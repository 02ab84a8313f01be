package secret_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/secret"
)

func ExampleText() {
	token := secret.New("5fc2f3b1")
	fmt.Println(token)
	fmt.Println(token.Reveal())
	// Output:
	// [secret]
	// 5fc2f3b1
}

// owner holds a secret where fmt cannot call its methods.
type owner struct{ inner any }

func TestText_IsInNoOutput(t *testing.T) {
	t.Parallel()
	const text = "TOKEN-aaaabbbb"
	token := secret.New(text)
	type config struct {
		Token  secret.Text
		Tokens []secret.Text
		token  secret.Text
	}
	c := config{token, []secret.Text{token}, token}
	for _, v := range []any{token, &token, []secret.Text{token}, map[string]secret.Text{"a": token}, c, &c, owner{token}, owner{c}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%q", "%s", "%x", "%X", "%d", "%T"} {
			require.NotContains(t, fmt.Sprintf(verb, v), text, verb)
			require.NotContains(t, fmt.Sprintf(verb, v), fmt.Sprintf("%x", text), verb)
		}
		var out bytes.Buffer
		slog.New(slog.NewTextHandler(&out, nil)).Info("a", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("a", "v", v)
		_ = json.NewEncoder(&out).Encode(v)
		_ = xml.NewEncoder(&out).Encode(v)
		_ = gob.NewEncoder(&out).Encode(v)
		require.NotContains(t, out.String(), text)
	}
	require.Equal(t, text, token.Reveal())
	require.Equal(t, []string{text, ""}, secret.RevealAll(secret.NewAll(text, "")))
}

func TestText_EmptyIsZero(t *testing.T) {
	t.Parallel()
	for _, empty := range []secret.Text{{}, secret.New("")} {
		require.True(t, empty.IsZero())
		require.Empty(t, empty.Reveal())
		require.Empty(t, empty.String())
	}
	require.False(t, secret.New("a").IsZero())
}

func TestText_IsReadFromAConfigFile(t *testing.T) {
	t.Parallel()
	var c struct{ Token secret.Text }
	require.NoError(t, json.Unmarshal([]byte(`{"Token": "5fc2f3b1"}`), &c))
	require.Equal(t, "5fc2f3b1", c.Token.Reveal())
	b, err := json.Marshal(c)
	require.NoError(t, err)
	require.JSONEq(t, `{"Token": "[secret]"}`, string(b))
}
