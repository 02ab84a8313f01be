package main

import (
	"bytes"
	"database/sql"
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

// damage makes a message of the file unreadable.
func damage(t *testing.T, path string, m smsplus.Message) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	r, err := db.ExecContext(t.Context(), "UPDATE smsplus_message SET state = x'ff' WHERE id = ?", m.ID[:])
	require.NoError(t, err)
	n, err := r.RowsAffected()
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
}

func TestLists_LeaveOutUnreadableRecords(t *testing.T) {
	t.Parallel()
	s, path := filledShell(t)
	damaged := sampleMessages()[1]
	whole := s.mustRun(t, "records", "-from", "2026-11-01")
	damage(t, path, damaged)
	for _, args := range [][]string{
		{"records", "-from", "2026-11-01"},
		{"records", "-from", "2026-11-01", "-json"},
		{"export", "-from", "2026-11-01"},
		{"export", "-from", "2026-11-01", "-format", "ndjson"},
	} {
		code, stdout, stderr := s.run(t, args...)
		require.Equal(t, exitFailed, code, args)
		require.Contains(t, stderr, damaged.ID.String(), "%v: the record is named", args)
		require.Contains(t, stderr, "1 record(s) left out", args)
		require.NotContains(t, stdout, damaged.ID.String(), args)
		for _, m := range sampleMessages() {
			if m.ID != damaged.ID {
				require.Contains(t, stdout, m.ID.String(), "%v: the others are printed", args)
			}
		}
		for _, secret := range secrets {
			require.NotContains(t, stderr, secret, args)
		}
	}
	require.Contains(t, whole, damaged.ID.String())
	code, _, stderr := s.run(t, "show", damaged.ID.String())
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "cannot be read")
	s.mustRun(t, "stats", "-from", "2026-11-01")

	name := filepath.Join(t.TempDir(), "records.csv")
	code, _, _ = s.run(t, "export", "-from", "2026-11-01", "-o", name)
	require.Equal(t, exitFailed, code)
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	_, stdout, _ := s.run(t, "export", "-from", "2026-11-01")
	require.Equal(t, stdout, string(text), "the file has the others")
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
