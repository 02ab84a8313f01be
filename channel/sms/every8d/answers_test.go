package every8d

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzAnswers(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(f, err)
	require.NotEmpty(f, files)
	for _, file := range files {
		body, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(body)
	}
	f.Add([]byte("NaN,1,Inf,0,x\n1\n\t\t\t\t-9"))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := parseReply(body)
		if err != nil {
			require.Equal(t, reply{}, reply{r.code, r.words, 0, 0, 0, r.batchID})
		} else {
			require.True(t, r.code < 0 || r.sent+r.unsent > 0)
			require.True(t, r.batchID == "" || isBatchID(r.batchID))
		}
		states, refusal, err := parseStates(body)
		require.True(t, refusal <= 0 && (err == nil || len(states) == 0))
	})
}
