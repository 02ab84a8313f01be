package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/smsplus"
)

// killedFile is the environment variable that turns the test binary into the program. It
// holds the name of the program's file.
const killedFile = "QUICKSTART_TEST_FILE"

func TestMain(m *testing.M) {
	if file := os.Getenv(killedFile); file != "" {
		err := run(context.Background(), []string{"-store", "sqlite:" + file, "-out", "", "-speed", "4"}, io.Discard, os.Stderr)
		fmt.Fprintln(os.Stderr, "it ended before it was killed:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// killProgram starts the program and kills it soon after it has written some lines.
func killProgram(t *testing.T, file string, lines int) {
	c := exec.CommandContext(t.Context(), os.Args[0])
	c.Env = append(os.Environ(), killedFile+"="+file)
	stderr, err := c.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	r := bufio.NewReader(stderr)
	for range lines {
		line, err := r.ReadString('\n')
		require.NoError(t, err)
		require.Contains(t, line, "messages have ended")
	}
	select {
	case <-time.After(time.Duration(rand.IntN(200)) * time.Millisecond):
	case <-t.Context().Done():
	}
	require.NoError(t, c.Process.Kill())
	require.ErrorContains(t, c.Wait(), "killed")
}

func TestRun_ContinuesAfterKill(t *testing.T) {
	t.Parallel()
	triggers, err := loadTriggers("")
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "messages.db")
	for _, lines := range []int{1, 2, 4} {
		killProgram(t, file, lines)
	}
	synctest.Test(t, func(t *testing.T) {
		for range 2 { // the second time there is nothing left to do
			var stdout bytes.Buffer
			require.NoError(t, run(t.Context(), []string{"-store", "sqlite:" + file, "-out", ""}, &stdout, io.Discard))
			require.Contains(t, stdout.String(), fmt.Sprintf("%6d  all\n     0  sending\n", len(triggers)))
		}
	})

	store, err := openStore(t.Context(), "sqlite:"+file)
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close()) }()
	p, err := store.Records(t.Context(), smsplus.Filter{Limit: 2 * len(triggers)})
	require.NoError(t, err)
	keys := make(map[string]bool)
	for _, m := range p.Messages {
		keys[m.Key] = true
		require.True(t, m.Status.Final())
	}
	require.Len(t, p.Messages, len(triggers))
	require.Len(t, keys, len(triggers), "nothing was triggered twice")
}

func TestRun_PrintsSameWithFile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var memory, file bytes.Buffer
		require.NoError(t, run(t.Context(), []string{"-out", ""}, &memory, io.Discard))
		name := "sqlite:" + filepath.Join(t.TempDir(), "messages.db")
		require.NoError(t, run(t.Context(), []string{"-out", "", "-store", name}, &file, io.Discard))
		tables := func(out bytes.Buffer) string {
			before, _, _ := bytes.Cut(out.Bytes(), []byte("\nRecords"))
			return string(before)
		}
		require.Equal(t, tables(memory), tables(file))
	})
}
