package whatsapp_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/whatsapp"
)

// fullTemplate is a template with a variable in every text that it can have at once.
var fullTemplate = whatsapp.Template{
	Name: "order_shipped", Language: "zh_TW",
	Header:  whatsapp.Header{Document: whatsapp.Media{Link: "https://shop.example/{{bill}}", Filename: "{{order}}.pdf"}},
	Body:    []whatsapp.Parameter{{Text: "{{name}}"}, {Text: "no. {{ order }}, {{name}}"}},
	Buttons: []whatsapp.Button{{Index: 0, URL: "{{track}}"}, {Index: 2, QuickReply: "stop {{order}}"}, {Index: 3, CopyCode: "{{code}}"}},
}

func TestTemplate_VarsOfAllTexts(t *testing.T) {
	t.Parallel()
	require.NoError(t, fullTemplate.Check())
	require.Equal(t, []string{"bill", "order", "name", "track", "code"}, fullTemplate.Vars())
	header := whatsapp.Template{Header: whatsapp.Header{
		Text:  whatsapp.Parameter{Text: "{{a}}"},
		Image: whatsapp.Media{ID: "{{b}}", Link: "{{c}}", Filename: "{{d}}"},
		Video: whatsapp.Media{ID: "{{e}}", Link: "{{f}}", Filename: "{{g}}"},
	}}
	require.Equal(t, []string{"a", "b", "c", "d", "e", "f", "g"}, header.Vars())
	require.Empty(t, whatsapp.Template{Name: "hello_world", Language: "en"}.Vars())
}

func TestTemplate_RenderChangesOnlyResult(t *testing.T) {
	t.Parallel()
	before := fmt.Sprintf("%#v", fullTemplate)
	vars := map[string]string{"bill": "b.pdf", "order": "4711", "name": "Ada", "track": "t/1", "code": "X-1", "spare": "x"}
	got, err := fullTemplate.Render(vars)
	require.NoError(t, err)
	require.Equal(t, whatsapp.Template{
		Name: "order_shipped", Language: "zh_TW",
		Header:  whatsapp.Header{Document: whatsapp.Media{Link: "https://shop.example/b.pdf", Filename: "4711.pdf"}},
		Body:    []whatsapp.Parameter{{Text: "Ada"}, {Text: "no. 4711, Ada"}},
		Buttons: []whatsapp.Button{{Index: 0, URL: "t/1"}, {Index: 2, QuickReply: "stop 4711"}, {Index: 3, CopyCode: "X-1"}},
	}, got)
	require.Equal(t, before, fmt.Sprintf("%#v", fullTemplate))

	for name := range vars {
		if name == "spare" {
			continue
		}
		some := map[string]string{}
		for other, value := range vars {
			if other != name {
				some[other] = value
			}
		}
		_, err := fullTemplate.Render(some)
		var missing *channel.MissingVarError
		require.ErrorAs(t, err, &missing)
		require.Equal(t, name, missing.Name)
	}
}

// The person reads any value unchanged, quotes included. It never becomes a variable,
// another parameter or another field of the request.
func TestTemplate_ValuesStayData(t *testing.T) {
	t.Parallel()
	value := rapid.OneOf(
		rapid.StringN(1, 30, -1).Filter(func(s string) bool { return strings.TrimSpace(s) != "" }),
		rapid.SampledFrom([]string{`{{name}}`, `{{`, `}}`, `"}]},{"type":"body"`, `\`, "\u0000", "a\u2028", "<b>&", "%s", "王小明 😀", "a\nb\tc"}),
	)
	names := []string{"bill", "order", "name", "track", "code"}
	g := newFakeGraph(t, nil)
	c := open(t, config(g.url))
	rapid.Check(t, func(rt *rapid.T) {
		vars := map[string]string{}
		for _, name := range names {
			vars[name] = value.Draw(rt, name)
		}
		rendered, err := fullTemplate.Render(vars)
		require.NoError(rt, err)
		require.Len(rt, rendered.(whatsapp.Template).Body, 2)
		_, err = c.Send(t.Context(), envelope(rendered))
		require.NoError(rt, err)
		body := <-g.bodies

		text := func(format string, names ...string) string {
			var values []any
			for _, name := range names {
				values = append(values, vars[name])
			}
			return fmt.Sprintf(format, values...)
		}
		want := []any{
			map[string]any{"type": "header", "parameters": []any{map[string]any{"type": "document", "document": map[string]any{
				"link": text("https://shop.example/%s", "bill"), "filename": text("%s.pdf", "order"),
			}}}},
			map[string]any{"type": "body", "parameters": []any{
				map[string]any{"type": "text", "text": text("%s", "name")},
				map[string]any{"type": "text", "text": text("no. %s, %s", "order", "name")},
			}},
			wireButton("url", "0", "text", "text", text("%s", "track")),
			wireButton("quick_reply", "2", "payload", "payload", text("stop %s", "order")),
			wireButton("copy_code", "3", "coupon_code", "coupon_code", text("%s", "code")),
		}
		var sent struct {
			Template struct{ Components []any }
		}
		require.NoError(rt, json.Unmarshal(body, &sent))
		require.Equal(rt, want, sent.Template.Components)
	})
}

func wireButton(kind, index, typ, key, value string) map[string]any {
	return map[string]any{"type": "button", "sub_type": kind, "index": index, "parameters": []any{map[string]any{"type": typ, key: value}}}
}

func TestTemplate_CheckNamesEveryMistake(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		template whatsapp.Template
		want     []string
	}{
		{whatsapp.Template{}, []string{
			"whatsapp: Template.Name: want 1 to 512 lower-case letters, digits and underscores",
			"whatsapp: Template.Language: want a code such as en_US",
		}},
		{whatsapp.Template{Name: "Order-Shipped", Language: "en-US"}, []string{
			"whatsapp: Template.Name: want 1 to 512 lower-case letters, digits and underscores",
			"whatsapp: Template.Language: want a code such as en_US",
		}},
		{whatsapp.Template{Name: "a", Language: "en", Header: whatsapp.Header{
			Text: whatsapp.Parameter{Text: "x"}, Image: whatsapp.Media{ID: "1", Link: "https://x"}, Video: whatsapp.Media{ID: "1", Filename: "v"},
		}}, []string{
			"whatsapp: Template.Header: the image has both an ID and a Link",
			"whatsapp: Template.Header: a Filename is for documents",
			"whatsapp: Template.Header: more than one kind is set",
		}},
		{whatsapp.Template{Name: "a", Language: "en", Header: whatsapp.Header{Document: whatsapp.Media{Filename: "x"}}}, []string{
			"whatsapp: Template.Header: an ID or a Link of the document is required",
		}},
		{whatsapp.Template{Name: "a", Language: "en", Body: []whatsapp.Parameter{{Text: "x"}, {Name: "n", Text: "{{x"}}}, []string{
			"whatsapp: Template.Body: some parameters have a Name and some have none",
			"whatsapp: Template.Body[1].Text: channel: text holds a \"{{\" that begins no variable such as {{code}}",
		}},
		{whatsapp.Template{Name: "a", Language: "en", Body: []whatsapp.Parameter{{}}}, []string{"whatsapp: Template.Body[0].Text is required"}},
		{whatsapp.Template{Name: "a", Language: "en", Buttons: []whatsapp.Button{
			{Index: 1, URL: "x"}, {Index: 1, QuickReply: "y", CopyCode: "z"}, {Index: -1, URL: "x"}, {Index: 10, URL: "x"}, {Index: 2},
		}}, []string{
			"whatsapp: Template.Buttons[1].Index: 1 is taken",
			"whatsapp: Template.Buttons[1]: more than one of URL, QuickReply and CopyCode is set",
			"whatsapp: Template.Buttons[2].Index: want 0 to 9",
			"whatsapp: Template.Buttons[3].Index: want 0 to 9",
			"whatsapp: Template.Buttons[4]: one of URL, QuickReply and CopyCode is required",
		}},
	} {
		require.EqualError(t, tt.template.Check(), strings.Join(tt.want, "\n"))
	}
	for _, language := range []string{"en", "en_US", "fil", "zh_HK", "es_419"} {
		require.NoError(t, whatsapp.Template{Name: "a_1", Language: language}.Check())
	}
}
