package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/pgstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/sqlitestore"
	"github.com/smsplus/smsplus-go/status"
)

// filledStore is a store that holds n messages.
type filledStore struct {
	smsplus.Store
	n, bytes int // bytes is the size of all messages together
	drop     func() error
}

// printGrowth prints the cost of a store's calls at several sizes, and the size of a record.
func printGrowth(ctx context.Context, out io.Writer, sizes []int, grow func(ctx context.Context, n int) (filledStore, error), patience time.Duration) (err error) {
	stores := make([]filledStore, len(sizes))
	for i, n := range sizes {
		if stores[i], err = grow(ctx, n); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stores[i].Close(), stores[i].drop()) }()
	}
	heapInUse() // collect the garbage of filling before the calls

	fmt.Fprintf(out, "%s, GOMAXPROCS %d; the median call of each, in µs\n\n", runtime.Version(), runtime.GOMAXPROCS(0))
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "records\t")
	for _, n := range sizes {
		fmt.Fprintf(table, "%d\t", n)
	}
	fmt.Fprintln(table, "growth\t")
	for _, q := range slices.Concat(pages, statistics, claims) {
		costs, err := medianCosts(patience, len(sizes), func(i int) error { return q.call(ctx, stores[i]) })
		if err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
		printRow(table, q.name, costs, sizes[0] == 0)
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

func fillMemory(ctx context.Context, n int) (filledStore, error) {
	before, s := heapInUse(), memstore.New()
	err := fill(ctx, s, n)
	return filledStore{s, n, heapInUse() - before, func() error { return nil }}, err
}

// fillFile fills a file, closes it, so that all of it is in the file, and opens it again.
func (f folder) fillFile(ctx context.Context, n int) (filledStore, error) {
	path, remove, err := f.createFile()
	if err != nil {
		return filledStore{}, err
	}
	if err := sqlitestore.Migrate(ctx, path); err != nil {
		return filledStore{}, errors.Join(err, remove())
	}
	var (
		s    *sqlitestore.Store
		info os.FileInfo
	)
	o := sqlitestore.Options{Synchronous: sqlitestore.Normal}
	if s, err = sqlitestore.Open(ctx, path, o); err == nil {
		err = errors.Join(fill(ctx, s, n), s.Close())
	}
	if err == nil {
		info, err = os.Stat(path)
	}
	if err == nil {
		s, err = sqlitestore.Open(ctx, path, o)
	}
	if err != nil {
		return filledStore{}, errors.Join(err, remove())
	}
	return filledStore{s, n, int(info.Size()), remove}, nil
}

// fillSchema fills a schema and vacuums it, as autovacuum would later.
func (db *database) fillSchema(ctx context.Context, n int) (filledStore, error) {
	config := db.config.Copy()
	config.MaxConns = 4
	pool, schema, drop, err := db.createSchema(ctx, config)
	if err != nil {
		return filledStore{}, err
	}
	var (
		s     *pgstore.Store
		bytes int
	)
	if s, err = openMigrated(ctx, pool, pgstore.Options{Schema: schema, Timeout: time.Minute}); err == nil {
		err = fill(ctx, s, n)
	}
	if err == nil {
		err = s.Maintain(ctx, opened)
	}
	for _, table := range []string{"message", "state", "attempt", "delta", "total"} {
		if err == nil {
			_, err = pool.Exec(ctx, "VACUUM ANALYZE "+qualified(schema, "smsplus_"+table))
		}
	}
	if err == nil {
		err = pool.QueryRow(ctx, `SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class
			WHERE relkind = 'r' AND relnamespace = $1::regnamespace`, schema).Scan(&bytes)
	}
	if err != nil {
		return filledStore{}, errors.Join(err, drop())
	}
	return filledStore{s, n, bytes, drop}, nil
}

// printRow prints costs and their growth, from the first store that is not empty to the last.
func printRow(table io.Writer, name string, costs []time.Duration, empty bool) {
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

// measuredCall is a call to a store whose cost is measured.
type measuredCall struct {
	name string
	call func(ctx context.Context, s filledStore) error
}

func pageCall(name string, f smsplus.Filter) measuredCall {
	return measuredCall{name, func(ctx context.Context, s filledStore) error {
		p, err := s.Records(ctx, f)
		if want := smsplus.DefaultLimit; err == nil && s.n >= 10_000 && len(p.Messages) != want {
			return fmt.Errorf("a page of %d, want %d", len(p.Messages), want)
		}
		return err
	}}
}

func statsCall(name string, f smsplus.Filter) measuredCall {
	return measuredCall{name, func(ctx context.Context, s filledStore) error {
		rows, err := s.Stats(ctx, f)
		if err == nil && s.n >= 10_000 && len(rows) != templates {
			return fmt.Errorf("statistics of %d templates, want %d", len(rows), templates)
		}
		return err
	}}
}

// groupsCall is a call of grouped statistics, of which rows is the least number of rows.
func groupsCall(name string, f smsplus.Filter, g smsplus.Grouping, rows int) measuredCall {
	return measuredCall{name, func(ctx context.Context, s filledStore) error {
		got, err := s.StatsBy(ctx, f, g)
		if err == nil && s.n >= 10_000 && len(got) < rows {
			return fmt.Errorf("statistics of %d groups, want %d at least", len(got), rows)
		}
		return err
	}}
}

// pages are lists of 100 messages, each by a single filter. From 10,000 records on, each
// list is full.
var pages = []measuredCall{
	pageCall("page, no filter", smsplus.Filter{}),
	pageCall("page, range", smsplus.Filter{From: opened.Add(quarter / 3), To: opened.Add(quarter / 2)}),
	pageCall("page, template", smsplus.Filter{Template: "template-07"}),
	pageCall("page, channel", smsplus.Filter{Channel: channel.SMS}),
	pageCall("page, phone", smsplus.Filter{Phone: regular}),
	pageCall("page, country", smsplus.Filter{CountryCode: "81"}),
	pageCall("page, sending", smsplus.Filter{Group: status.Sending}),
	pageCall("page, sent", smsplus.Filter{Group: status.Sent}),
	pageCall("page, undeliverable", smsplus.Filter{Group: status.UndeliverableGroup}),
	pageCall("page, failed", smsplus.Filter{Group: status.FailedGroup}),
}

// statistics cover three months of 50 templates. Their ranges begin and end in the middle
// of an hour, which is the slowest case.
var statistics = func() []measuredCall {
	from := opened.Add(29*time.Minute + 59*time.Second)
	to := from.Add(quarter - time.Hour)
	whole := smsplus.Filter{From: opened, To: opened.Add(quarter)}
	kolkata := time.FixedZone("IST", 5*60*60+30*60)
	return []measuredCall{
		statsCall("statistics, three months", smsplus.Filter{From: from, To: to}),
		statsCall("statistics, of a channel", smsplus.Filter{From: from, To: to, Channel: channel.SMS}),
		statsCall("statistics, of a tab", smsplus.Filter{From: from, To: to, Group: status.Sent}),
		groupsCall("by day and channel", whole, smsplus.Grouping{By: smsplus.ByDay | smsplus.ByChannel, Zone: kolkata}, 90),
		groupsCall("the same, range in a quarter", smsplus.Filter{From: from, To: to}, smsplus.Grouping{By: smsplus.ByDay | smsplus.ByChannel, Zone: kolkata}, 90),
		groupsCall("by channel, with times", whole, smsplus.Grouping{By: smsplus.ByChannel, Times: true}, 1),
		groupsCall("by template, channel, reason", whole, smsplus.Grouping{By: smsplus.ByTemplate | smsplus.ByChannel | smsplus.ByReason}, templates),
		groupsCall("of a day, by all, with times", smsplus.Filter{From: opened.Add(quarter / 2), To: opened.Add(quarter/2 + 24*time.Hour)},
			smsplus.Grouping{By: smsplus.ByTemplate | smsplus.ByChannel | smsplus.ByReason | smsplus.ByHour, Times: true, Zone: kolkata}, 1),
	}
}()

// claims are calls of Claim. Ten of a hundred records are due, from three days after
// their trigger on. Each call claims when all leases have ended.
var claims = []measuredCall{
	{"claim of none", func(ctx context.Context, s filledStore) error {
		claimed, err := s.Claim(ctx, smsplus.Claim{Now: opened, Lease: time.Minute, Limit: 100, Holder: 1, Only: []channel.Name{""}})
		if err == nil && len(claimed.Messages) != 0 {
			return fmt.Errorf("claimed %d, want none", len(claimed.Messages))
		}
		return err
	}},
	{"claim of 100", func() func(ctx context.Context, s filledStore) error {
		c := smsplus.Claim{Now: opened.Add(10 * quarter), Lease: time.Minute, Limit: 100, Holder: 1, Only: []channel.Name{""}}
		return func(ctx context.Context, s filledStore) error {
			c.Now = c.Now.Add(c.Lease)
			claimed, err := s.Claim(ctx, c)
			if err == nil && s.n >= 10_000 && len(claimed.Messages) != c.Limit {
				return fmt.Errorf("claimed %d of %d", len(claimed.Messages), c.Limit)
			}
			return err
		}
	}()},
}

// medianCosts calls f for each of n cases in turns, for a total of patience each, and
// returns the duration of each case's median call. The garbage collector and other
// programs slow some calls down, but rarely the median. A longer disturbance slows all
// cases alike, because they take turns.
func medianCosts(patience time.Duration, n int, f func(i int) error) ([]time.Duration, error) {
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

// heapInUse returns how many bytes of the heap are in use.
func heapInUse() int {
	runtime.GC()
	runtime.GC() // the second frees the contents of pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
