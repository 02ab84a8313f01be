package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"

	"golang.org/x/term"

	"github.com/smsplus/smsplus-go/internal/rowcodec"
	"github.com/smsplus/smsplus-go/query"
	"github.com/smsplus/smsplus-go/smsplus"
)

// recordSeq is the type of the records that package query writes.
type recordSeq = iter.Seq2[smsplus.Message, error]

var formats = map[string]func(io.Writer, recordSeq, ...query.Export) error{
	"csv":    query.WriteCSV,
	"ndjson": query.WriteNDJSON,
}

func (p *program) export(f *flags) action {
	q := f.declareQuery()
	f.declareRecordFilter(q, p.stdin)
	write, name := query.WriteCSV, ""
	f.declareValue("format", "write this `format`, csv or ndjson (default: csv)", func(text string) error {
		if write = formats[text]; write == nil {
			return errors.New("it is neither csv nor ndjson")
		}
		return nil
	})
	f.declareText(&name, "o", "write this `file`, which is there when it is whole, and never in part (default: standard output)")
	bom := f.Bool("bom", false, "begin a CSV with the byte order mark that Excel needs")
	reveal := f.declareReveal()
	return func(ctx context.Context, _ string) error {
		q.Limit = pageSize
		return p.withReader(ctx, q, func(r *query.Reader) error {
			if err := requireKeys(ctx, r.Records, q.Filter); err != nil {
				return err
			}
			all := withWarnings(r.All(ctx, q.Filter), p.stderr)
			if isTerminal(p.stderr) && (name != "" || !isTerminal(p.stdout)) {
				all = withProgress(all, p.stderr)
			}
			e := query.Export{BOM: *bom, Location: q.zone, Reveal: *reveal}
			if name == "" {
				return write(p.stdout, all, e)
			}
			return replaceFile(name, func(w io.Writer) error { return write(w, all, e) })
		})
	}
}

// pageSize is the number of records that an export holds in memory.
const pageSize = 500

// replaceFile writes a temporary file in the same folder and renames it when it is
// complete. It is complete too without the records that cannot be read.
func replaceFile(name string, write func(io.Writer) error) error {
	if info, err := os.Lstat(name); err == nil && !info.Mode().IsRegular() {
		return usagef("-o: there is something of that name, and it is no file")
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*") // only its owner can read it
	if err != nil {
		return fmt.Errorf("-o: %w", err)
	}
	err = write(f)
	var leftOut error
	if errors.Is(err, smsplus.ErrUnreadable) {
		leftOut, err = err, nil
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return leftOut
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// withWarnings returns the same records, and names the unreadable ones on w. It ends the
// list if the store is sealed and no keys were given, because every record is unreadable
// then.
func withWarnings(all recordSeq, w io.Writer) recordSeq {
	return func(yield func(smsplus.Message, error) bool) {
		for m, err := range all {
			if errors.Is(err, rowcodec.ErrSealed) {
				yield(smsplus.Message{}, rowcodec.ErrSealed)
				return
			}
			if errors.Is(err, smsplus.ErrUnreadable) {
				fmt.Fprintln(w, "smsplus:", flagNames.Replace(err.Error()))
			}
			if !yield(m, err) {
				return
			}
		}
	}
}

// withProgress returns the same records, and writes to w how many were read.
func withProgress(all recordSeq, w io.Writer) recordSeq {
	return func(yield func(smsplus.Message, error) bool) {
		n := 0
		defer func() { fmt.Fprintf(w, "\r%d records\n", n) }()
		for m, err := range all {
			if n%pageSize == 0 {
				fmt.Fprintf(w, "\r%d records", n)
			}
			if err == nil {
				n++
			}
			if !yield(m, err) {
				return
			}
		}
	}
}
