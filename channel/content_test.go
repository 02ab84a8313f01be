package channel_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/channel"
)

func TestText_Renders(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text channel.Text
		vars map[string]string
		want channel.Text
	}{
		{"", nil, ""},
		{"no variables", map[string]string{"other": "x"}, "no variables"},
		{"{{code}}", map[string]string{"code": "4711"}, "4711"},
		{"Your code is {{code}}.", map[string]string{"code": "4711"}, "Your code is 4711."},
		{"{{ code }}|{{code  }}", map[string]string{"code": "4711"}, "4711|4711"},
		{"{{a}}{{b}}{{a}}", map[string]string{"a": "1", "b": "2"}, "121"},
		{"[{{a}}]", map[string]string{"a": ""}, "[]"},
		{"{{a}}{{b}}", map[string]string{"a": "", "b": ""}, ""},
		{"{{a}} {{b}}", map[string]string{"a": "{{b}}", "b": "{{a}}"}, "{{b}} {{a}}"},
		{"{{a}}b}}", map[string]string{"a": "{{", "b": "never"}, "{{b}}"},
		{"{{a}}", map[string]string{"a": "%d $1 \\1 <b>\x00"}, "%d $1 \\1 <b>\x00"},
		{"親愛的{{name}},您好", map[string]string{"name": "王小明"}, "親愛的王小明,您好"},
		{"{a} }} {{_x1}}", map[string]string{"_x1": "1"}, "{a} }} 1"},
		{"{ {a} }", nil, "{ {a} }"},
	} {
		require.NoError(t, tt.text.Check(), tt.text)
		got, err := tt.text.Render(tt.vars)
		require.NoError(t, err, tt.text)
		require.Equal(t, channel.Content(tt.want), got)
	}
}

func TestText_VarsAreNamedOnceInOrder(t *testing.T) {
	t.Parallel()
	require.Empty(t, channel.Text("none").Vars())
	require.Equal(t, []string{"b", "a", "_C9"}, channel.Text("{{b}}{{ a }}{{b}}{{_C9}}").Vars())
}

func TestText_CheckRefusesMalformedVariables(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text channel.Text
		vars []string // the variables that are well formed nevertheless
	}{
		{"{{", nil},
		{"{{}}", nil},
		{"{{  }}", nil},
		{"{{code", nil},
		{"{{code}", nil},
		{"{{1st}}", nil},
		{"{{two words}}", nil},
		{"{{a-b}}", nil},
		{"{{名}}", nil},
		{"{{\tcode}}", nil},
		{"{{{code}}}", nil},
		{"{{a}} {{ {{b}}", []string{"a", "b"}},
	} {
		require.Error(t, tt.text.Check(), tt.text)
		require.Equal(t, tt.vars, tt.text.Vars(), tt.text)
		got, err := tt.text.Render(map[string]string{"a": "1", "b": "2", "code": "3", "": "4"})
		require.Error(t, err, tt.text)
		require.Nil(t, got)
		require.NotContains(t, err.Error(), "two words", "errors do not hold the text")
	}
}

func TestText_RenderNamesMissingVariable(t *testing.T) {
	t.Parallel()
	got, err := channel.Text("{{a}} {{b}} {{c}}").Render(map[string]string{"a": "secret"})
	require.Nil(t, got)
	missing, ok := errors.AsType[*channel.MissingVarError](err)
	require.True(t, ok)
	require.Equal(t, "b", missing.Name)
	require.EqualError(t, err, `channel: variable "b" has no value`)
}

func TestText_RenderReplacesEachVariableOnce(t *testing.T) {
	t.Parallel()
	name := rapid.StringMatching(`[a-z_][a-z0-9_]{0,3}`)
	rapid.Check(t, func(t *rapid.T) {
		vars := rapid.MapOf(name, rapid.SampledFrom([]string{"", "x", "{{", "}}", "{{a}}", "{{b}}{{c}}", "{"})).Draw(t, "vars")
		var text, want strings.Builder
		for range rapid.IntRange(0, 8).Draw(t, "pieces") {
			literal := rapid.SampledFrom([]string{"", "text", " } ", "}}", "字"}).Draw(t, "literal")
			text.WriteString(literal)
			want.WriteString(literal)
			if len(vars) > 0 {
				v := rapid.SampledFrom(slices.Sorted(maps.Keys(vars))).Draw(t, "name")
				text.WriteString("{{" + v + "}}")
				want.WriteString(vars[v])
			}
		}
		got, err := channel.Text(text.String()).Render(vars)
		require.NoError(t, err)
		require.Equal(t, channel.Content(channel.Text(want.String())), got)
	})
}

func FuzzText(f *testing.F) {
	for _, seed := range []string{"", "plain", "{{a}}", "{{ a }}{{b}}", "{{{{a}}}}", "{{", "}}", "{{a", "{{a}", "{{1}}", "字{{a}}字", "\xff{{a}}"} {
		f.Add(seed, "value")
		f.Add(seed, "{{a}}")
	}
	f.Fuzz(func(t *testing.T, s, value string) {
		text := channel.Text(s)
		vars := make(map[string]string)
		for _, name := range text.Vars() {
			if _, twice := vars[name]; twice {
				t.Fatalf("%q: Vars names %q twice", s, name)
			}
			vars[name] = value
		}
		rendered, err := text.Render(vars)
		if checked := text.Check(); (err == nil) != (checked == nil) {
			t.Fatalf("%q: Check says %v, Render says %v", s, checked, err)
		}
		if err != nil {
			return
		}
		// A marker without braces shows where the values went.
		const marker = "\x00"
		for name := range vars {
			vars[name] = marker
		}
		marked, err := text.Render(vars)
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		if strings.Contains(s, marker) {
			return
		}
		want := strings.ReplaceAll(string(marked.(channel.Text)), marker, value)
		if string(rendered.(channel.Text)) != want {
			t.Fatalf("%q with %q: got %q, want %q: a value was expanded", s, value, rendered, want)
		}
		for name := range vars {
			delete(vars, name)
			if _, err := text.Render(vars); err == nil {
				t.Fatalf("%q: rendered without %q", s, name)
			}
			break
		}
	})
}

func ExampleText() {
	text := channel.Text("Your code is {{code}}")
	fmt.Println(text.Vars(), text.Check())
	rendered, err := text.Render(map[string]string{"code": "4711"})
	fmt.Println(string(rendered.(channel.Text)), err)
	fmt.Println(rendered) // prints no data
	_, err = text.Render(nil)
	fmt.Println(err)
	// Output:
	// [code] <nil>
	// Your code is 4711 <nil>
	// channel.Text(17 characters)
	// channel: variable "code" has no value
}

func BenchmarkRender(b *testing.B) {
	text := channel.Text("Dear {{name}}, your code is {{code}}. It is good for ten minutes.")
	vars := map[string]string{"name": "Ada", "code": "4711"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := text.Render(vars); err != nil {
			b.Fatal(err)
		}
	}
}
