package line_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/line"
	"github.com/smsplus/smsplus-go/status"
)

// badContent is content that neither channel can send.
var badContent = []channel.Content{
	channel.Text(""),
	channel.Text(strings.Repeat("x", 5001)),
	line.Messages(""),
	line.Messages("[]"),
	line.Messages("null"),
	line.Messages("[null]"),
	line.Messages(`{"type":"text","text":"x"}`),
	line.Messages(`[{"type":"text","text":"x"}`),
	line.Messages(`[{"text":"x"}]`),
	line.Messages(`[{"type":7}]`),
	line.Messages(`[{"type":"text"}]`),
	line.Messages("[" + strings.Repeat(`{"type":"text","text":"x"},`, 5) + `{"type":"text","text":"x"}]`),
	line.Messages(`[{"type":"text","text":"` + strings.Repeat("x", 5001) + `"}]`),
}

func TestCheckContent_RefusesBadContent(t *testing.T) {
	t.Parallel()
	push := newPush(t, line.PushConfig{Account: account("")})
	notification := newNotification(t, line.NotificationConfig{Account: account("")})
	for _, c := range badContent {
		require.Error(t, push.CheckContent(c), "%.60s", c)
		require.Error(t, notification.CheckContent(c), "%.60s", c)
	}
	for content, want := range map[line.Messages]string{
		`[{"type":"flex","altText":"{{a}}","size":{{n}}}]`:       "line: messages: no valid JSON; a variable stands inside a string",
		`[{"type":"text","text":"{{a}} {{b"}]`:                   `begins no variable such as {{code}}`,
		`[{"type":"text","text":"\u007b{a b}}"}]`:                `begins no variable such as {{code}}`,
		`[{"type":"text","text":"x","{{a}}":1}]`:                 "line: messages: a variable stands in a key",
		`[{"type":"{{a}}","text":"x"}]`:                          `line: messages: a variable stands in "type", which chooses what is sent`,
		`[{"type":"flex","contents":{"type" : "{{a}}"}}]`:        `line: messages: a variable stands in "type", which chooses what is sent`,
		`[{"type":"textV2","text":"{{a}}"}]`:                     "line: messages[0]: a variable stands in a textV2, where LINE reads braces itself",
		`[{"type":"text","text":"a"},{"type":"text","text":""}]`: "line: messages[1]: the text is empty",
		"[{\"type\":\"text\",\"text\":\"\xff\"}]":                "line: messages: no valid JSON",
	} {
		require.ErrorContains(t, content.Check(), want, content)
		require.ErrorContains(t, push.CheckContent(content), want, content)
	}
	for content, want := range map[line.Templated]string{
		``:                            "line: templated: no valid JSON",
		`null`:                        "line: templated: the object has no templateKey",
		`[]`:                          "line: templated: no object",
		`{}`:                          "line: templated: the object has no templateKey",
		`{"templateKey":7}`:           "line: templated: the object has no templateKey",
		`{"templateKey":"a","to":""}`: `line: templated: the object has a "to", which is the recipient's`,
		`{"templateKey":"{{a}}"}`:     `a variable stands in "templateKey"`,
		`{"templateKey":"a","body":{"items":[{"itemKey":"{{a}}"}]}}`:     `a variable stands in "itemKey"`,
		`{"templateKey":"a","body":{"buttons":[{"buttonKey":"{{a}}"}]}}`: `a variable stands in "buttonKey"`,
		`{"templateKey":"a","body":{"items":[{"content":"{{"}]}}`:        `begins no variable`,
	} {
		require.ErrorContains(t, content.Check(), want, content)
		require.ErrorContains(t, notification.CheckContent(content), want, content)
	}
	require.ErrorContains(t, push.CheckContent(shaped), "line: content is a line.Templated")
}

func TestCheckContent_NotificationRefusesMedia(t *testing.T) {
	t.Parallel()
	push := newPush(t, line.PushConfig{Account: account("")})
	notification := newNotification(t, line.NotificationConfig{Account: account("")})
	for _, kind := range []string{"image", "video", "audio"} {
		c := line.Messages(`[{"type":"text","text":"x"},{"type":"` + kind + `"}]`)
		require.NoError(t, push.CheckContent(c), "a push may be one")
		require.ErrorContains(t, notification.CheckContent(c), "line: messages[1] is of the type "+kind)
	}
}

func TestText_IsCountedInUTF16(t *testing.T) {
	t.Parallel()
	push := newPush(t, line.PushConfig{Account: account(newFakeLINE(t, nil).URL)})
	for _, tt := range []struct {
		text string
		fits bool
	}{
		{strings.Repeat("字", 5000), true},
		{strings.Repeat("字", 5001), false},
		{strings.Repeat("🍎", 2500), true},
		{strings.Repeat("🍎", 2500) + "a", false},
		{strings.Repeat("{{name}}", 5000), true}, // the length of the name is not known yet
		{strings.Repeat("x", 5000) + "{{name}}", true},
		{strings.Repeat("x", 5001) + "{{name}}", false},
	} {
		for _, c := range []channel.Content{channel.Text(tt.text), line.Messages(`[{"type":"text","text":"` + tt.text + `"}]`)} {
			require.Equal(t, tt.fits, push.CheckContent(c) == nil, "%T %.20s", c, tt.text)
			filled, err := c.Render(map[string]string{"name": ""})
			require.NoError(t, err)
			_, err = push.Send(t.Context(), envelope(t, filled))
			if tt.fits && !strings.HasPrefix(tt.text, "{{") {
				require.NoError(t, err, "%T %.20s", c, tt.text)
				continue
			}
			requireVerdict(t, err, status.Undeliverable, status.ContentRejected)
		}
	}
}

func TestMessages_VarsAreNamedInOrder(t *testing.T) {
	t.Parallel()
	const c = line.Messages(`[{"type":"flex","altText":"{{b}} {{a}}","contents":{"z":["{{c}}","{{ a }}"],"{{key}}":"\u007b{d}}"}}]`)
	require.Equal(t, []string{"b", "a", "c", "d"}, c.Vars())
	require.Empty(t, line.Messages(`["{{a}}"`).Vars())
	require.Equal(t, []string{"d"}, line.Templated(`{"templateKey":"a","body":"{{d}}"}`).Vars())
}

func TestMessages_ValuesStayData(t *testing.T) {
	t.Parallel()
	const c = line.Messages(`[ {"type": "text", "text": "Dear {{name}}, \"{{ code }}\"", "x": 1.00000000000000000001} ]`)
	filled, err := c.Render(map[string]string{"name": "\"},\n\\{{code}}\u2028<&>", "code": `1`, "other": "x"})
	require.NoError(t, err)
	require.Equal(t, []any{map[string]any{
		"type": "text", "text": "Dear \"},\n\\{{code}}\u2028<&>, \"1\"", "x": json.Number("1.00000000000000000001"),
	}}, decodeJSON(t, string(filled.(line.Messages))))

	_, err = c.Render(map[string]string{"name": "x"})
	var missing *channel.MissingVarError
	require.ErrorAs(t, err, &missing)
	require.Equal(t, "code", missing.Name)
	_, err = line.Messages(`["{{`).Render(nil)
	require.ErrorContains(t, err, "line: no valid JSON")
	_, err = line.Templated(`{"a":"{{"}`).Render(nil)
	require.ErrorContains(t, err, "begins no variable")
}

// decodeJSON decodes JSON and keeps its numbers as they are written.
func decodeJSON(t interface{ Fatalf(string, ...any) }, text string) any {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return v
}

// fillModel returns the expected result of a Render: each string that is not a key, filled
// in.
func fillModel(v any, vars map[string]string) any {
	switch v := v.(type) {
	case string:
		filled, err := channel.Text(v).Render(vars)
		if err != nil {
			return v
		}
		return string([]rune(string(filled.(channel.Text)))) // a byte that is no UTF-8 becomes U+FFFD
	case []any:
		for i := range v {
			v[i] = fillModel(v[i], vars)
		}
	case map[string]any:
		for key := range v {
			v[key] = fillModel(v[key], vars)
		}
	}
	return v
}

func TestMessages_RenderChangesOnlyStrings(t *testing.T) {
	t.Parallel()
	words := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", `"`, `\`, `\"`, "\n", "{", "}}", "{{a}}", "{{", `","x":"`, "\u2028", "🍎", "<&>", "\\u0041"}))
	piece := rapid.OneOf(
		rapid.Map(words, func(s string) string { return strings.ReplaceAll(s, "{", "") }),
		rapid.SampledFrom([]string{"{{a}}", "{{ b }}", "{{c_1}}"}),
	)
	str := rapid.Map(rapid.SliceOfN(piece, 0, 4), func(s []string) string { return strings.Join(s, "") })
	scalar := rapid.OneOf(
		rapid.Map(str, func(s string) any { return s }),
		rapid.Map(rapid.SampledFrom([]string{"0", "-1.50", "1e-7", "123456789012345678901234567890", "1.00000000000000000001"}), func(s string) any { return json.Number(s) }),
		rapid.SampledFrom([]any{nil, true, false}),
	)
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		if depth == 0 {
			return scalar
		}
		key := rapid.StringMatching(`[a-z"\\:\[{]{0,3}`)
		return rapid.OneOf(
			scalar,
			rapid.Map(rapid.SliceOfN(value(depth-1), 0, 4), func(s []any) any { return s }),
			rapid.Map(rapid.MapOfN(key, value(depth-1), 0, 4), func(m map[string]any) any { return m }),
		)
	}
	rapid.Check(t, func(t *rapid.T) {
		vars := map[string]string{"a": words.Draw(t, "a"), "b": words.Draw(t, "b"), "c_1": words.Draw(t, "c")}
		template := value(4).Draw(t, "template")
		text, err := json.Marshal(template)
		if rapid.Bool().Draw(t, "indented") {
			text, err = json.MarshalIndent(template, "\t", " ")
		}
		require.NoError(t, err)
		filled, err := line.Messages(text).Render(vars)
		require.NoError(t, err)
		require.Equal(t, fillModel(decodeJSON(t, string(text)), vars), decodeJSON(t, string(filled.(line.Messages))))
	})
}

func FuzzMessages(f *testing.F) {
	for _, c := range badContent {
		f.Add(fmt.Sprint(c), "value")
	}
	f.Add(string(flex), "\"},{")
	f.Add(string(shaped), "\\")
	f.Add(`[{"type":"text","text":"{{a}}\u007b{b}}\"\\"},{"type":"textV2","text":"{a}"}]`, "{{a}}\x00\xff\u2028")
	f.Fuzz(func(t *testing.T, text, value string) {
		m, tm := line.Messages(text), line.Templated(text)
		vars := make(map[string]string)
		for _, name := range m.Vars() {
			vars[name] = value
		}
		filled, err := m.Render(vars)
		if m.Check() != nil && tm.Check() != nil {
			return
		}
		require.NoError(t, err, "what Check takes, Render does")
		require.Equal(t, m.Vars(), tm.Vars())
		again, err := tm.Render(vars)
		require.NoError(t, err)
		require.Equal(t, string(filled.(line.Messages)), string(again.(line.Templated)))
		require.Equal(t, fillModel(decodeJSON(t, text), vars), decodeJSON(t, string(again.(line.Templated))))
	})
}
