package mitake

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestStates_AreParsed(t *testing.T) {
	t.Parallel()
	at := time.Date(2006, 6, 23, 10, 38, 7, 0, taipei)
	for name, tt := range map[string]struct {
		states  []messageState
		refusal string
	}{
		"states": {states: []messageState{{"0311216947", "6", at}, {"0311216948", "4", at.Add(3 * time.Second)}}},
		"points": {states: []messageState{{"0311216947", "4", at}}},
		"lines": {states: []messageState{
			{"1010079522", "1", time.Date(2017, 1, 1, 1, 0, 10, 0, taipei)},
			{"1010079523", "4", time.Date(2017, 1, 1, 1, 0, 11, 0, taipei)},
		}},
		"refused": {refusal: "w"},
	} {
		body, err := os.ReadFile("testdata/queries/" + name + ".txt")
		require.NoError(t, err)
		states, refusal, err := parseStates(body)
		require.NoError(t, err, name)
		require.Equal(t, tt.states, states, name)
		require.Equal(t, tt.refusal, refusal, name)
	}
}

func TestStates_LineThatMakesNoSenseDoesNotCount(t *testing.T) {
	t.Parallel()
	states, refusal, err := parseStates([]byte("\uFEFF[1]\r\n1\t\r\n\t4\r\n1,2\t4\t20060623103807\r\n1\tz\t20060623103807\r\n#7 \t 4 \tsoon\r\n"))
	require.NoError(t, err)
	require.Empty(t, refusal)
	require.Equal(t, []messageState{{number: "7", code: "4"}}, states)

	for body, want := range map[string]string{"statuscode=e\r\nError=帳號、密碼錯誤\r\n": "e", "z": "z", "\r\n": "", "": ""} {
		states, refusal, err := parseStates([]byte(body))
		require.NoError(t, err)
		require.Empty(t, states)
		require.Equal(t, want, refusal)
	}
	for _, body := range []string{"<html>down</html>", "OK\n", "1\t44\t20060623103807", "1 4 20060623103807"} {
		_, _, err := parseStates([]byte(body))
		require.ErrorIs(t, err, errNoStates, body)
	}
}

func FuzzStates(f *testing.F) {
	files, err := filepath.Glob("testdata/queries/*.txt")
	require.NoError(f, err)
	require.NotEmpty(f, files)
	for _, file := range files {
		body, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(body)
	}
	f.Add([]byte("statuscode=e\nError=\xff\xfe\x80\n#A1\t9\t00000101000000\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		states, refusal, err := parseStates(body)
		if err != nil {
			require.Empty(t, states)
			require.Empty(t, refusal)
		}
		for _, state := range states {
			require.Regexp(t, `^[A-Za-z]?[0-9]+$`, state.number)
			require.Equal(t, state.number, messageNumber(state.number), "it is asked for as it is stored")
			require.Regexp(t, `^[0-9]$`, state.code)
			_, err := state.at.UTC().MarshalJSON()
			require.NoError(t, err)
		}
		require.Regexp(t, `^[0-9a-z*?]{0,3}$`, refusal)
	})
}
