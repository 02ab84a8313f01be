package smsplus_test

import (
	"maps"
	"slices"
	"strconv"
	"testing"
	"text/template"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/line"
	"github.com/smsplus/smsplus-go/channel/whatsapp"
	"github.com/smsplus/smsplus-go/smsplus"
)

// nestedContent has a value of each kind that a content of another module may have.
type nestedContent struct {
	channel.Content
	byName map[string]string
	next   *nestedContent
	length float64
	phase  complex128
	flags  [2]bool
	_      func()
}

func TestHashContent_TellsContentsApart(t *testing.T) {
	t.Parallel()
	contents := []channel.Content{
		channel.Text(""),
		channel.Text("Your code is {{code}}"),
		channel.Text("Your code is {{code}}."),
		line.Messages("Your code is {{code}}"),
		whatsapp.Template{Name: "otp", Language: "en"},
		whatsapp.Template{Name: "otp", Language: "zh_TW"},
		whatsapp.Template{Name: "otp", Language: "en", Body: []whatsapp.Parameter{{Text: "{{code}}"}}},
		nestedContent{},
		&nestedContent{},
		nestedContent{length: 1},
		nestedContent{flags: [2]bool{true, false}},
		nestedContent{flags: [2]bool{false, true}},
		nestedContent{Content: channel.Text("a")},
		nestedContent{byName: map[string]string{"a": "b"}},
		nestedContent{byName: map[string]string{"b": "a"}},
		nestedContent{next: &nestedContent{length: 1}},
		nestedContent{phase: 1i},
	}
	hashes := make(map[smsplus.ContentHash]bool)
	for _, c := range contents {
		hashes[smsplus.HashContent(c)] = true
	}
	require.Len(t, hashes, len(contents))
	require.Zero(t, smsplus.HashContent(nil))
	require.NotContains(t, hashes, smsplus.ContentHash(0))
}

func TestHashContent_IsTheSameInEveryProcess(t *testing.T) {
	t.Parallel()
	require.Equal(t, "5172bd336b87ff0c", smsplus.HashContent(channel.Text("Your code is {{code}}")).String())
}

func TestHashContent_ReadsAContentThatPointsToItself(t *testing.T) {
	t.Parallel()
	a, b := &nestedContent{}, &nestedContent{}
	a.next, b.next = a, b
	require.Equal(t, smsplus.HashContent(a), smsplus.HashContent(b))
}

// graphContent holds templates that know each other: there are many ways through them.
type graphContent struct {
	channel.Content
	parsed *template.Template
}

func TestHashContent_ReadsEachPartOfAGraphOnce(t *testing.T) {
	t.Parallel()
	parse := func(last string) graphContent {
		root := template.New("root")
		for i := range 20 {
			template.Must(root.New(strconv.Itoa(i)).Parse("{{if .code}}Your code is {{.code}}{{else}}" + last + "{{end}}"))
		}
		return graphContent{parsed: root}
	}
	one, same, other := parse("none"), parse("none"), parse("nothing")
	require.Equal(t, smsplus.HashContent(one), smsplus.HashContent(same))
	require.NotEqual(t, smsplus.HashContent(one), smsplus.HashContent(other))
}

func TestHashContent_IgnoresTheOrderOfAMap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "map")
		other := make(map[string]string)
		for _, k := range slices.Sorted(maps.Keys(m)) {
			other[k] = m[k]
		}
		require.Equal(t, smsplus.HashContent(nestedContent{byName: m}), smsplus.HashContent(nestedContent{byName: other}))
	})
}
