package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// grown is a store with n messages in it.
type grown struct {
	smsplus.Store
	n, bytes int // bytes are what all of them take
	drop     func() error
}

// growth prints what a store's calls cost at three sizes, and how much a record weighs.
func growth(ctx context.Context, out io.Writer, sizes []int, grow func(ctx context.Context, n int) (grown, error), patience time.Duration) (err error) {
	stores := make([]grown, len(sizes))
	for i, n := range sizes {
		if stores[i], err = grow(ctx, n); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stores[i].Close(), stores[i].drop()) }()
	}
	heap() // the garbage of filling is not the calls'

	fmt.Fprintf(out, "%s, GOMAXPROCS %d; the median call of each, in µs\n\n", runtime.Version(), runtime.GOMAXPROCS(0))
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "records\t")
	for _, n := range sizes {
		fmt.Fprintf(table, "%d\t", n)
	}
	fmt.Fprintln(table, "growth\t")
	for _, q := range slices.Concat(pages, statistics, writes) {
		costs, err := typical(patience, len(sizes), func(i int) error { return q.ask(ctx, stores[i]) })
		if err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
		row(table, q.name, costs, sizes[0] == 0)
	}
	fmt.Fprint(table, "bytes a record\t")
	for _, s := range stores {
		fmt.Fprintf(table, "%d\t", s.bytes/max(1, s.n))
	}
	fmt.Fprintln(table, "\t")
	if err := table.Flush(); err != nil {
		return err
	}
	largest, smallest := sizes[len(sizes)-1], cmp.Or(sizes[0], sizes[1])
	_, err = fmt.Fprintf(out, "\nlog n grows ×%.2f from %d to %d.\n", math.Log(float64(largest))/math.Log(float64(smallest)), smallest, largest)
	return err
}

func inMemory(ctx context.Context, n int) (grown, error) {
	before, s := heap(), memstore.New()
	err := fill(ctx, s, n)
	return grown{s, n, heap() - before, func() error { return nil }}, err
}

// row prints costs and how they grew, from the first store that is not empty to the last.
func row(table io.Writer, name string, costs []time.Duration, empty bool) {
	fmt.Fprintf(table, "%s\t", name)
	for _, cost := range costs {
		fmt.Fprintf(table, "%.1f\t", float64(cost)/float64(time.Microsecond))
	}
	first := costs[0]
	if empty {
		first = costs[1]
	}
	fmt.Fprintf(table, "×%.2f\t\n", float64(costs[len(costs)-1])/float64(first))
}

// question is one call.
type question struct {
	name string
	ask  func(ctx context.Context, s grown) error
}

func page(name string, f smsplus.Filter) question {
	return question{name, func(ctx context.Context, s grown) error {
		p, err := s.Records(ctx, f)
		if want := smsplus.DefaultLimit; err == nil && s.n >= 10_000 && len(p.Messages) != want {
			return fmt.Errorf("a page of %d, want %d", len(p.Messages), want)
		}
		return err
	}}
}

func counts(name string, f smsplus.Filter) question {
	return question{name, func(ctx context.Context, s grown) error {
		rows, err := s.Stats(ctx, f)
		if err == nil && s.n >= 10_000 && len(rows) != templates {
			return fmt.Errorf("statistics of %d templates, want %d", len(rows), templates)
		}
		return err
	}}
}

// pages are lists of 100 by each single filter. From 10,000 records on each of
// them is full.
var pages = []question{
	page("page, no filter", smsplus.Filter{}),
	page("page, range", smsplus.Filter{From: opened.Add(quarter / 3), To: opened.Add(quarter / 2)}),
	page("page, template", smsplus.Filter{Template: "template-07"}),
	page("page, channel", smsplus.Filter{Channel: channel.SMS}),
	page("page, phone", smsplus.Filter{Phone: regular}),
	page("page, country", smsplus.Filter{CountryCode: "81"}),
	page("page, sending", smsplus.Filter{Group: status.Sending}),
	page("page, sent", smsplus.Filter{Group: status.Sent}),
	page("page, undeliverable", smsplus.Filter{Group: status.UndeliverableGroup}),
	page("page, failed", smsplus.Filter{Group: status.FailedGroup}),
}

// statistics are over three months of 50 templates, with edges in the middle of an
// hour, the worst that a range can have.
var statistics = func() []question {
	from := opened.Add(29*time.Minute + 59*time.Second)
	to := from.Add(quarter - time.Hour)
	return []question{
		counts("statistics, three months", smsplus.Filter{From: from, To: to}),
		counts("statistics, of a channel", smsplus.Filter{From: from, To: to, Channel: channel.SMS}),
		counts("statistics, of a tab", smsplus.Filter{From: from, To: to, Group: status.Sent}),
	}
}()

// writes are claims. Of a hundred records ten are due, from three days after their
// trigger on, and all are due again each time, those claimed first last.
var writes = []question{
	{"claim of none", func(ctx context.Context, s grown) error {
		claimed, err := s.Claim(ctx, smsplus.Claim{Now: opened, Lease: time.Minute, Limit: 100})
		if err == nil && len(claimed.Messages) != 0 {
			return fmt.Errorf("claimed %d, want none", len(claimed.Messages))
		}
		return err
	}},
	{"claim of 100", func() func(ctx context.Context, s grown) error {
		c := smsplus.Claim{Now: opened.Add(10 * quarter), Lease: time.Minute, Limit: 100}
		return func(ctx context.Context, s grown) error {
			c.Now = c.Now.Add(c.Lease)
			claimed, err := s.Claim(ctx, c)
			if err == nil && s.n >= 10_000 && len(claimed.Messages) != c.Limit {
				return fmt.Errorf("claimed %d of %d", len(claimed.Messages), c.Limit)
			}
			return err
		}
	}()},
}

// typical calls f for each of n cases in turns, until each had as long as patience
// says, and returns each case's median call. A neighbour on the machine, or the
// garbage collector, spoils some calls and not that one; and what spoils a whole
// stretch of time spoils every case alike.
func typical(patience time.Duration, n int, f func(i int) error) ([]time.Duration, error) {
	const turns = 10
	calls := make([][]time.Duration, n)
	for range turns {
		for i := range n {
			for end := time.Now().Add(patience / turns); ; {
				began := time.Now()
				if err := f(i); err != nil {
					return nil, err
				}
				calls[i] = append(calls[i], time.Since(began))
				if !time.Now().Before(end) {
					break
				}
			}
		}
	}
	medians := make([]time.Duration, n)
	for i, c := range calls {
		slices.Sort(c)
		medians[i] = c[len(c)/2]
	}
	return medians, nil
}

// heap is how many bytes are in use.
func heap() int {
	runtime.GC()
	runtime.GC() // what pools held goes with the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
