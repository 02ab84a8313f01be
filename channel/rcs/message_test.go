package rcs_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/rcs"
)

func TestMessage_IsCheckedAndRendered(t *testing.T) {
	t.Parallel()
	m := rcs.Message(`{"contentMessage": {"text": "Order {{order}}", "suggestions": [{"reply": {"text": "OK", "postbackData": "{{order}} {{who}}"}}]}}`)
	require.NoError(t, m.Check())
	require.Equal(t, []string{"order", "who"}, m.Vars())
	got, err := m.Render(map[string]string{"order": `4"711`, "who": "{{x}}"})
	require.NoError(t, err)
	require.Equal(t, rcs.Message(`{"contentMessage": {"text": "Order 4\"711", "suggestions": [{"reply": {"text": "OK", "postbackData": "4\"711 {{x}}"}}]}}`), got) //nolint:testifylint // every byte counts
	require.Equal(t, "rcs.Message(128 bytes)", fmt.Sprintf("%v", m))

	_, err = rcs.Message("{").Render(nil)
	require.EqualError(t, err, "rcs: message: no valid JSON; a variable stands inside a string")
	for text, want := range map[string]string{
		`[]`:                      "rcs: message: no JSON object",
		`{"text": "x"}`:           "rcs: message: contentMessage is required, as in the reference's AgentMessage",
		`{"contentMessage": "x"}`: "rcs: message: contentMessage is required, as in the reference's AgentMessage",
		`{"contentMessage": {"text": "x"}, "ttl": "9s"}`:                     `rcs: message: "ttl" is not the application's to set`,
		`{"contentMessage": {"text": "{{"}}`:                                 `rcs: message: channel: text holds a "{{" that begins no variable such as {{code}}`,
		`{"contentMessage": {"text": "x"}, "messageTrafficType": "{{who}}"}`: `rcs: message: a variable stands in "messageTrafficType", which chooses what is sent`,
	} {
		require.EqualError(t, rcs.Message(text).Check(), want)
	}
}

func TestCheckContent_RefusesWhatCannotBeSent(t *testing.T) {
	t.Parallel()
	c, _ := open(t, nil)
	for content, want := range map[channel.Content]string{
		channel.Text("Your code is {{code}}"):                   "",
		channel.Text(" {{text}}"):                               "",
		channel.Text(strings.Repeat("x", 3072) + "{{code}}"):    "",
		rcs.Message(`{"contentMessage": {"text": "{{code}}"}}`): "",
		channel.Text(" "):                                       "rcs: the text is empty",
		channel.Text(strings.Repeat("x", 3073) + "{{code}}"):    "rcs: the text has 3073 characters, want at most 3072",
		channel.Text("{{ no }"):                                 `channel: text holds a "{{" that begins no variable such as {{code}}`,
		rcs.Message(`{}`):                                       "rcs: message: contentMessage is required, as in the reference's AgentMessage",
		foreign{}:                                               "rcs: the content is a rcs_test.foreign, want a channel.Text or an rcs.Message",
	} {
		if err := c.CheckContent(content); want == "" {
			require.NoError(t, err)
		} else {
			require.EqualError(t, err, want)
		}
	}
}

// foreign is content of another kind.
type foreign struct{}

func (foreign) Vars() []string                                      { return nil }
func (f foreign) Render(map[string]string) (channel.Content, error) { return f, nil }

func FuzzMessage(f *testing.F) {
	f.Add(`{"contentMessage": {"text": "Order {{order}}"}, "messageTrafficType": "PROMOTION"}`, "x\"")
	f.Add(`{"contentMessage": {"text": null, "richCard": {}}}`, "")
	f.Fuzz(func(t *testing.T, text, value string) {
		m := rcs.Message(text)
		if m.Check() != nil {
			return
		}
		vars := make(map[string]string)
		for _, name := range m.Vars() {
			vars[name] = value
		}
		rendered, err := m.Render(vars)
		require.NoError(t, err)
		require.True(t, json.Valid([]byte(rendered.(rcs.Message))))
	})
}
