package mitake

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestAnswer_IsParsed(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]answer{
		"accepted":         {code: "1", msgID: "#000000013"},
		"client":           {code: "1", msgID: "0313887539"},
		"duplicate":        {code: "1", msgID: "0313887539"},
		"points":           {code: "1", msgID: "#000000013"},
		"scheduled":        {code: "0", msgID: "0000000333"},
		"refused-number":   {code: "v", words: "無效的手機號碼"},
		"refused-address":  {code: "k", words: "無效的連線位址"}, // Big5, as the one before
		"refused-password": {code: "e", words: "帳號、密碼錯誤"}, // UTF-8
	} {
		body, err := os.ReadFile("testdata/answers/" + name + ".txt")
		require.NoError(t, err)
		got, err := parseAnswer(body)
		require.NoError(t, err, name)
		require.Equal(t, want, got, name)

		got, err = parseAnswer([]byte(strings.ReplaceAll("\uFEFF"+string(body), "\r\n", "\n")))
		require.NoError(t, err, name)
		require.Equal(t, want.code, got.code, name)
	}
}

func TestAnswer_RefusesMalformed(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		"", "\r\n", "OK", "<html>statuscode=1</html>", "[1]\r\nmsgid=#000000013\r\n",
		"statuscode=", "statuscode", "statuscode=OK", "statuscode=1234", "statuscode=1 2", "statuscode=一",
		"[1]\r\nstatuscode=1\r\n[2]\r\nstatuscode=1\r\n",
	} {
		_, err := parseAnswer([]byte(body))
		require.ErrorIs(t, err, errMalformed, "%q", body)
	}
}

func FuzzAnswer(f *testing.F) {
	files, err := filepath.Glob("testdata/answers/*.txt")
	require.NoError(f, err)
	require.NotEmpty(f, files)
	for _, file := range files {
		body, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(body)
	}
	f.Add([]byte("statuscode=1\nError=\xff\xfe\x80"))
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := parseAnswer(body)
		if err != nil {
			require.Zero(t, a)
			return
		}
		require.Regexp(t, `^[0-9a-z*?]{1,3}$`, a.code)
		require.Contains(t, string(body), a.code)
		for _, s := range []string{a.msgID, a.words} {
			require.True(t, utf8.ValidString(s))
			require.NotContains(t, s, "\n")
		}
	})
}
