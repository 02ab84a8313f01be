package httpapi_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel/httpapi"
)

func TestFields_OddOneHidesNoOther(t *testing.T) {
	t.Parallel()
	f, ok := httpapi.ParseFields([]byte(`{"id":7,"at":"12.9","name":[],"list":[{"id":"a"},8,null,{"id":"b"}],"none":null}`))
	require.True(t, ok)
	require.Equal(t, "7", f.Text("id"))
	require.Empty(t, f.Text("name"))
	require.Empty(t, f.Text("absent"))
	require.Nil(t, f.Object("list"))
	objects, clean := f.Objects("list")
	require.False(t, clean)
	require.Len(t, objects, 2)
	require.Equal(t, "b", objects[1].Text("id"))
	for _, key := range []string{"none", "absent", "id"} {
		_, ok := f.List(key)
		require.False(t, ok, key)
	}
	for _, text := range []string{"", "7", "[]", "null", `"x"`, "{", "{}{}", "{} x"} {
		_, ok := httpapi.ParseFields([]byte(text))
		require.False(t, ok, text)
	}
}

func parseFields(t *testing.T, text string) httpapi.Fields {
	t.Helper()
	f, ok := httpapi.ParseFields([]byte(text))
	require.True(t, ok, text)
	return f
}

func TestFields_IntReadsEveryForm(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{`12`: 12, `"12"`: 12, `12.9`: 12, `" 12.9 "`: 12, `1.2e1`: 12, `-3`: -3, `9007199254740993`: 9007199254740993} {
		got, ok := parseFields(t, `{"n":`+text+`}`).Int("n")
		require.True(t, ok, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{`""`, `"x"`, `null`, `[]`, `1e300`, `"NaN"`, `"-Inf"`, `true`} {
		_, ok := parseFields(t, `{"n":`+text+`}`).Int("n")
		require.False(t, ok, text)
	}
}
