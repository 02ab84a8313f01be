package jsontext_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/jsontext"
)

func TestRender_ChangesStringsAlone(t *testing.T) {
	t.Parallel()
	const text = ` {"a": "Hi {{name}}\u0021", "n": 1.50, "b": ["{{name}}", "\"{{x}}"], "{{key}}": null}`
	require.Equal(t, []string{"name", "x"}, jsontext.Vars(text))
	got, err := jsontext.Render(text, map[string]string{"name": `"},{`, "x": "\n"})
	require.NoError(t, err)
	require.Equal(t, ` {"a": "Hi \"},{!", "n": 1.50, "b": ["\"},{", "\"\n"], "{{key}}": null}`, got) //nolint:testifylint // every byte counts

	_, err = jsontext.Render(text, nil)
	var missing *channel.MissingVarError
	require.ErrorAs(t, err, &missing)
	for _, invalid := range []string{"", `{"a": {{x}}}`, "\"\xff\""} {
		_, err = jsontext.Render(invalid, nil)
		require.ErrorIs(t, err, jsontext.ErrInvalid)
		require.Empty(t, jsontext.Vars(invalid))
	}
}

func TestCheckVars_RefusesKeysAndFixedValues(t *testing.T) {
	t.Parallel()
	require.NoError(t, jsontext.CheckVars(`{"type": "text", "text": "{{x}}"}`, "type"))
	for text, want := range map[string]string{
		`{"{{x}}": 1}`:           "a variable stands in a key",
		`{"type": "{{x}}"}`:      `a variable stands in "type", which chooses what is sent`,
		`{"text": "{{ no }} x"}`: "",
		`{"text": "{{"}`:         `channel: text holds a "{{" that begins no variable such as {{code}}`,
	} {
		if err := jsontext.CheckVars(text, "type"); want == "" {
			require.NoError(t, err)
		} else {
			require.EqualError(t, err, want)
		}
	}
}

func TestPersonalStrings_LeaveOutTheProvidersWords(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"Your code", "498172"},
		jsontext.PersonalStrings(`{"type": "a long type", "text": "Your code", "code": "498172", "size": "md", "a long key": 1}`, "type"))
}

func FuzzRender(f *testing.F) {
	f.Add(`{"a": "Hi {{name}}", "b\\": "\ud83d {{name}}"}`, "\"\x00\xff\\")
	f.Add(`"{{name}}"`, "{{name}}")
	f.Fuzz(func(t *testing.T, text, value string) {
		vars := map[string]string{}
		for _, name := range jsontext.Vars(text) {
			vars[name] = value
		}
		got, err := jsontext.Render(text, vars)
		if err != nil {
			require.True(t, errors.Is(err, jsontext.ErrInvalid) || jsontext.CheckVars(text) != nil, "%v", err)
			return
		}
		require.True(t, json.Valid([]byte(got)))
	})
}
