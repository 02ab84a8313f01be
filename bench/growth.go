package main

import (
	"context"
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

// growth prints what memstore's calls cost with a hundredth of largest records in
// it, with a tenth, and with all, and how much a record weighs.
func growth(ctx context.Context, out io.Writer, largest int, patience time.Duration) error {
	sizes := []int{largest / 100, largest / 10, largest}
	full, waiting := make([]*memstore.Store, len(sizes)), make([]*memstore.Store, len(sizes))
	weights := make([]int, len(sizes))
	for i, n := range sizes {
		before := heap()
		full[i] = memstore.New()
		if err := fill(ctx, full[i], n, tried); err != nil {
			return err
		}
		weights[i] = (heap() - before) / n
		waiting[i] = memstore.New()
		if err := fill(ctx, waiting[i], n, pending); err != nil {
			return err
		}
	}
	heap() // the garbage of filling is not the calls'

	fmt.Fprintf(out, "memstore, %s, GOMAXPROCS %d; the median call of each, in µs\n\n", runtime.Version(), runtime.GOMAXPROCS(0))
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "records\t")
	for _, n := range sizes {
		fmt.Fprintf(table, "%d\t", n)
	}
	fmt.Fprintln(table, "growth\t")
	for _, q := range slices.Concat(pages, statistics) {
		costs, err := typical(patience, len(sizes), func(i int) error { return q.ask(ctx, full[i]) })
		if err != nil {
			return err
		}
		row(table, q.name, costs)
	}
	costs, err := typical(patience, len(sizes), claims(ctx, waiting))
	if err != nil {
		return err
	}
	row(table, "claim of 100, all pending", costs)
	fmt.Fprint(table, "heap bytes a record\t")
	for _, weight := range weights {
		fmt.Fprintf(table, "%d\t", weight)
	}
	fmt.Fprintln(table, "\t")
	if err := table.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "\nlog n grows ×%.2f from the first column to the last.\n",
		math.Log(float64(largest))/math.Log(float64(sizes[0])))
	return err
}

func row(table io.Writer, name string, costs []time.Duration) {
	fmt.Fprintf(table, "%s\t", name)
	for _, cost := range costs {
		fmt.Fprintf(table, "%.1f\t", float64(cost)/float64(time.Microsecond))
	}
	fmt.Fprintf(table, "×%.2f\t\n", float64(costs[len(costs)-1])/float64(costs[0]))
}

// question is a call that only reads: a page, or else statistics.
type question struct {
	name   string
	page   bool
	filter smsplus.Filter
}

// pages are lists of 100 by each single filter. From 10,000 records on each of
// them is full.
var pages = []question{
	{"page, no filter", true, smsplus.Filter{}},
	{"page, range", true, smsplus.Filter{From: opened.Add(quarter / 3), To: opened.Add(quarter / 2)}},
	{"page, template", true, smsplus.Filter{Template: "template-07"}},
	{"page, channel", true, smsplus.Filter{Channel: channel.SMS}},
	{"page, phone", true, smsplus.Filter{Phone: regular}},
	{"page, country", true, smsplus.Filter{CountryCode: "81"}},
	{"page, sending", true, smsplus.Filter{Group: status.Sending}},
	{"page, sent", true, smsplus.Filter{Group: status.Sent}},
	{"page, undeliverable", true, smsplus.Filter{Group: status.UndeliverableGroup}},
	{"page, failed", true, smsplus.Filter{Group: status.FailedGroup}},
}

// statistics are over three months of 50 templates, with edges in the middle of an
// hour, the worst that a range can have.
var statistics = func() []question {
	from := opened.Add(29*time.Minute + 59*time.Second)
	to := from.Add(quarter - time.Hour)
	return []question{
		{"statistics, three months", false, smsplus.Filter{From: from, To: to}},
		{"statistics, of a channel", false, smsplus.Filter{From: from, To: to, Channel: channel.SMS}},
		{"statistics, of a tab", false, smsplus.Filter{From: from, To: to, Group: status.Sent}},
	}
}()

func (q question) ask(ctx context.Context, s *memstore.Store) error {
	var err error
	if q.page {
		_, err = s.Records(ctx, q.filter)
	} else {
		_, err = s.Stats(ctx, q.filter)
	}
	return err
}

// claims returns a call that takes 100 out of what waits in the ith store. All are
// due again each time, those claimed first last.
func claims(ctx context.Context, stores []*memstore.Store) func(i int) error {
	c := smsplus.Claim{Now: opened.Add(10 * quarter), Lease: time.Minute, Limit: 100}
	return func(i int) error {
		c.Now = c.Now.Add(c.Lease)
		claimed, err := stores[i].Claim(ctx, c)
		if err == nil && len(claimed.Messages) != c.Limit {
			return fmt.Errorf("claimed %d of %d", len(claimed.Messages), c.Limit)
		}
		return err
	}
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
