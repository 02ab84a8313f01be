package mitake_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms/mitake"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/status"
)

func TestConfig_NamesEveryMistake(t *testing.T) {
	t.Parallel()
	_, err := mitake.New(mitake.Config{})
	require.EqualError(t, err, "mitake: Config.URL is required\nmitake: Config.Username is required\nmitake: Config.Password is required")

	_, err = mitake.New(mitake.Config{
		URL: "https://smsapi.mitake.com.tw/api/mtk?username=x", Username: username, Password: secret.New(password),
		CallbackURL: "/receipts" + strings.Repeat("x", 170), CallbackSecrets: secret.NewAll("", signingSecret),
		MaxSegments: -1, Connections: 16,
		Codes: map[string]channel.Verdict{"q": {Status: status.Failed}, "j": {Status: status.Undeliverable}, "a": {}},
	})
	require.EqualError(t, err, strings.Join([]string{
		"mitake: Config.URL is not an HTTP URL without a query",
		"mitake: Config.CallbackURL is not an HTTP URL without a query",
		"mitake: Config.CallbackURL has more than 175 bytes",
		"mitake: Config.CallbackSecrets[0] is empty",
		"mitake: Config.MaxSegments is negative",
		"mitake: Config.Connections is not between 1 and 15",
		`mitake: Config.Codes["j"] has no Reason`,
		`mitake: Config.Codes["q"] has no Reason`,
	}, "\n"))

	_, err = mitake.New(mitake.Config{URL: "https://127.0.0.1", Username: username, Password: secret.New(password), CallbackURL: callbackURL})
	require.EqualError(t, err, "mitake: Config.CallbackSecrets is required with CallbackURL")
}

func TestFormat_PrintsNoSecret(t *testing.T) {
	t.Parallel()
	config := mitake.Config{
		URL: "https://127.0.0.1", Username: username, Password: secret.New(password),
		CallbackURL: callbackURL, CallbackSecrets: secret.NewAll(signingSecret),
	}
	c, err := mitake.New(config)
	require.NoError(t, err)
	var said bytes.Buffer
	for _, v := range []any{config, &config, c, *c, []any{config, c, *c}, struct{ C mitake.Config }{config}, struct{ c mitake.Channel }{*c}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&said, verb+"\n", v)
		}
		slog.New(slog.NewJSONHandler(&said, nil)).Info("here", "value", v)
		slog.New(slog.NewTextHandler(&said, nil)).Info("here", "value", v)
		_ = json.NewEncoder(&said).Encode(v)
	}
	require.Contains(t, said.String(), "mitake.Config(sms)")
	require.Contains(t, said.String(), `"mitake.Config(sms)"`, "in JSON")
	for _, s := range []string{username, password, signingSecret, fmt.Sprintf("%x", signingSecret), fmt.Sprintf("%x", password)} {
		require.NotContains(t, said.String(), s)
	}
}

func TestConfig_NameIsApplications(t *testing.T) {
	t.Parallel()
	c, _ := open(t, acceptAnswer, func(c *mitake.Config) { c.Name = "sms_marketing" })
	require.Equal(t, channel.Name("sms_marketing"), c.Name())
	_, sunk := serveCallback(c, newCallback(t, responseURL(signingSecret, attempt), "msgid=1&StatusFlag=4"), nil)
	require.Equal(t, channel.Name("sms_marketing"), sunk[0].Channel)
}

func TestSend_RefusesTextBeyondMaxSegments(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text string
		want int
	}{
		"160 letters":                           {strings.Repeat("a", 160), 1},
		"161 letters":                           {strings.Repeat("a", 161), 2},
		"70 han":                                {strings.Repeat("字", 70), 1},
		"71 han":                                {strings.Repeat("字", 71), 2},
		"134 han":                               {strings.Repeat("字", 134), 2},
		"135 han":                               {strings.Repeat("字", 135), 3},
		"a line break is one unit":              {strings.Repeat("字", 69) + "\r\n", 1},
		"two line breaks are two units":         {strings.Repeat("字", 69) + "\r\n\n", 2},
		"35 emoji":                              {strings.Repeat("😀", 35), 1},
		"36 emoji":                              {strings.Repeat("😀", 36), 2},
		"69 letters and an é, as UCS-2":         {strings.Repeat("a", 69) + "é", 1},
		"70 letters and an é, as UCS-2":         {strings.Repeat("a", 70) + "é", 2},
		"80 braces":                             {strings.Repeat("{", 80), 1},
		"81 braces":                             {strings.Repeat("{", 81), 2},
		"a tab is outside the alphabet":         {strings.Repeat("a", 70) + "\t", 2},
		"invalid UTF-8 is outside the alphabet": {strings.Repeat("a", 70) + "\xff", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for limit := 1; limit <= 3; limit++ {
				c, p := open(t, acceptAnswer, func(c *mitake.Config) { c.MaxSegments = limit })
				_, err := c.Send(t.Context(), envelope(t, tt.text))
				if tt.want <= limit {
					require.NoError(t, err, limit)
					continue
				}
				require.EqualError(t, err, fmt.Sprintf(
					"channel: undeliverable (content_rejected): the text takes %d segments, and Config.MaxSegments is %d", tt.want, limit))
				require.Empty(t, p.calls, "it would have been cut")
			}
		})
	}
}

func TestCheckContent_RefusesTextThatCannotFit(t *testing.T) {
	t.Parallel()
	c, _ := open(t, acceptAnswer, nil)
	for text, want := range map[channel.Text]string{
		"您的驗證碼是 {{code}}": "",
		"{{text}}":        "",
		channel.Text(strings.Repeat("字", 70) + "{{code}}"): "",
		channel.Text(strings.Repeat("字", 71) + "{{code}}"): "mitake: without its variables, the text takes 2 segments, and Config.MaxSegments is 1",
		"\n":      "mitake: the text is empty",
		"{{ no }": `channel: text holds a "{{" that begins no variable such as {{code}}`,
	} {
		if err := c.CheckContent(text); want == "" {
			require.NoError(t, err, "%q", text)
		} else {
			require.EqualError(t, err, want, "%q", text)
		}
	}
}

func TestSize_IsNumberOfSegments(t *testing.T) {
	t.Parallel()
	c, _ := open(t, acceptAnswer, nil)
	require.Equal(t, 1, c.Size(channel.Text(strings.Repeat("a", 159)+"\r\n")), "a line break is one character")
	require.Equal(t, 3, c.Size(channel.Text(strings.Repeat("字", 135))))
}
