package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/benbjohnson/clock"

	"github.com/smsplus/smsplus-go/console"
	"github.com/smsplus/smsplus-go/smsplus"
)

// consolePages are the pages of the console that are timed, each over its longest range.
func consolePages(n int) []string {
	one := idOf(n / 2).String()
	return []string{
		"/templates", "/templates?range=3m", "/templates?range=3m&channel=sms", "/templates.csv?range=3m",
		"/records", "/records?range=3m", "/records?range=3m&tab=failed", "/records?range=3m&template=template-07",
		"/records?range=3m&channel=sms", "/records?range=3m&reason=carrier_error", "/records/" + one, "/records/" + one + "/row?open=1",
		"/why?last=hour", "/why?last=week", "/providers?last=hour", "/providers?last=week", "/operations", "/meaning",
	}
}

// printPages prints how long the console takes to answer, and how large its pages are.
func printPages(ctx context.Context, out io.Writer, n int, grow func(ctx context.Context, n int) (filledStore, error), patience time.Duration) (err error) {
	store, err := grow(ctx, n)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close(), store.drop()) }()
	at := clock.NewMock()
	at.Set(opened.Add(quarter))
	pages, err := console.New(console.Config{
		Store: smsplus.Store(store.Store), Clock: at, Timeout: time.Minute, Authorize: func(*http.Request) (string, error) { return "bench", nil },
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s, GOMAXPROCS %d, %d records; the first answer and the median of the others\n\n", runtime.Version(), runtime.GOMAXPROCS(0), n)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "page\tfirst\tmedian\tKB\t")
	for _, path := range consolePages(n) {
		var took []time.Duration
		size := 0
		for began := time.Now(); len(took) < 2 || time.Since(began) < patience; {
			start, w := time.Now(), httptest.NewRecorder()
			pages.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil))
			took = append(took, time.Since(start))
			if w.Code != http.StatusOK {
				return fmt.Errorf("%s: status %d", path, w.Code)
			}
			size = w.Body.Len()
		}
		first := took[0]
		slices.Sort(took[1:])
		fmt.Fprintf(table, "%s\t%.1f ms\t%.1f ms\t%.1f\t\n", path, milliseconds(first), milliseconds(took[1:][len(took[1:])/2]), float64(size)/1000)
	}
	return table.Flush()
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
