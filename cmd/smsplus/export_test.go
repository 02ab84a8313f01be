package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/query"
	"github.com/smsplus/smsplus-go/smsplus"
)

func TestExport_WritesWhatQueryWrites(t *testing.T) {
	t.Parallel()
	s, _ := filledShell(t)
	newest := sampleMessages()
	newest[0], newest[1], newest[2], newest[3] = newest[3], newest[2], newest[1], newest[0]
	for flags, e := range map[string]query.Export{
		"":             {},
		"-bom":         {BOM: true},
		"-bom -reveal": {BOM: true, Reveal: true},
	} {
		var csv, ndjson bytes.Buffer
		require.NoError(t, query.WriteCSV(&csv, seqOf(newest...), e))
		require.NoError(t, query.WriteNDJSON(&ndjson, seqOf(newest...), e))
		args := append([]string{"export", "-from", "2026-11-01"}, strings.Fields(flags)...)
		require.Equal(t, csv.String(), s.mustRun(t, args...))
		require.Equal(t, csv.String(), s.mustRun(t, append(args, "-format", "csv")...))
		require.Equal(t, ndjson.String(), s.mustRun(t, append(args, "-format", "ndjson")...))

		name := filepath.Join(t.TempDir(), "records.csv")
		require.NoError(t, os.WriteFile(name, []byte("yesterday's"), 0o600))
		require.Empty(t, s.mustRun(t, append(args, "-o", name)...))
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		require.Equal(t, csv.String(), string(text))
	}
}

func TestReplaceFile_IsAtomic(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, "records.csv")
	errGone := errors.New("the store is gone")
	fails := func(w io.Writer) error {
		_, err := io.WriteString(w, "half")
		return errors.Join(err, errGone)
	}
	require.ErrorIs(t, replaceFile(name, fails), errGone)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)

	require.NoError(t, replaceFile(name, func(w io.Writer) error {
		require.NoFileExists(t, name)
		_, err := io.WriteString(w, "whole")
		return err
	}))
	require.ErrorIs(t, replaceFile(name, fails), errGone)
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, "whole", string(text))
	left, err = os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1)
	info, err := left[0].Info()
	require.NoError(t, err)
	require.Zero(t, info.Mode().Perm()&0o077, "only its owner can read the file")

	link := filepath.Join(dir, "link")
	require.NoError(t, os.Symlink(name, link))
	for _, other := range []string{link, dir, os.DevNull} {
		require.ErrorAs(t, replaceFile(other, fails), new(usageError), other)
	}
	require.Error(t, replaceFile(filepath.Join(dir, "none", "records.csv"), fails))
}

func TestWithProgress_CountsRecords(t *testing.T) {
	t.Parallel()
	errGone := errors.New("the store is gone")
	var w bytes.Buffer
	seen := 0
	for _, err := range withProgress(func(yield func(smsplus.Message, error) bool) {
		for range pageSize + 1 {
			if !yield(smsplus.Message{}, nil) {
				return
			}
		}
		yield(smsplus.Message{}, errGone)
	}, &w) {
		if err == nil {
			seen++
		} else {
			require.ErrorIs(t, err, errGone)
		}
	}
	require.Equal(t, pageSize+1, seen)
	require.Equal(t, "\r0 records\r500 records\r501 records\n", w.String())
	require.False(t, isTerminal(&w))
	null, err := os.Open(os.DevNull)
	require.NoError(t, err)
	require.False(t, isTerminal(null))
	require.NoError(t, null.Close())
}

func TestTable_AlignsWideCharacters(t *testing.T) {
	t.Parallel()
	tbl := table{numericColumns: 1}
	tbl.add("n", "scenario", "to")
	tbl.add(1, "出貨\n通知", "a")
	tbl.add(100, "log-in\u202e", "👩\u200d👧")
	require.Equal(t, ""+
		"    n  scenario   to\n"+
		"    1  出貨\uFFFD通知  a\n"+
		"  100  log-in\uFFFD    👩\u200d👧\n", tbl.render())
}
