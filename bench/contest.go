package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/smsplus/smsplus-go/phone"
)

// senders is how many goroutines hand messages in, to each project.
const senders = 8

// contestant moves n messages from senders goroutines to where they end. It hands
// the part that counts, from the first message to the end of the last, to timed.
type contestant struct {
	name string
	move func(ctx context.Context, n int, to []phone.Number, timed stopwatch) error
}

// stopwatch runs what it times.
type stopwatch func(work func() error) error

// contestants are smsplus, then the peer in the two modes that it has: publishers
// that do not wait, as Send does not wait for the delivery, and publishers that do.
var contestants = []contestant{
	{"smsplus", lives},
	{"gochannel 0", gochannelWith(0, false)},
	{"gochannel 1024", gochannelWith(1024, false)},
	{"waiting 0", gochannelWith(0, true)},
	{"waiting 1024", gochannelWith(1024, true)},
}

// result is what one run came to.
type result struct {
	rate float64       // messages a second
	cpu  time.Duration // of the process, a message
}

// peers runs the contestants in turn, so that each round's runs share the
// machine's mood, and prints what they came to. The peer's figure in a round is
// that of its better buffer, in each of its modes.
func peers(ctx context.Context, out io.Writer, n, rounds int) error {
	n -= n % senders
	numbers, err := recipients()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d messages a run, %d senders, %s, GOMAXPROCS %d\n\n", n, senders, runtime.Version(), runtime.GOMAXPROCS(0))
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "round\t")
	for _, c := range contestants {
		fmt.Fprintf(table, "%s\t", c.name)
	}
	fmt.Fprintln(table, "ratio\tto waiting\t")

	all := make([][]result, len(contestants))
	var ratios, toWaiting []float64
	for round := range rounds {
		results := make([]result, len(contestants))
		for i := range contestants {
			turn := (round + i) % len(contestants) // nobody is always first
			if results[turn], err = measure(ctx, contestants[turn], n, numbers); err != nil {
				return fmt.Errorf("%s: %w", contestants[turn].name, err)
			}
		}
		fmt.Fprintf(table, "%d\t", round+1)
		for i, r := range results {
			all[i] = append(all[i], r)
			fmt.Fprintf(table, "%.0f/s\t", r.rate)
		}
		ratios = append(ratios, results[0].rate/best(results[1:3]))
		toWaiting = append(toWaiting, results[0].rate/best(results[3:]))
		fmt.Fprintf(table, "%.2f\t%.2f\t\n", ratios[round], toWaiting[round])
	}
	fmt.Fprint(table, "median\t")
	for _, results := range all {
		fmt.Fprintf(table, "%.0f/s\t", median(results, func(r result) float64 { return r.rate }))
	}
	itself := func(r float64) float64 { return r }
	fmt.Fprintf(table, "%.2f\t%.2f\t\n", median(ratios, itself), median(toWaiting, itself))
	fmt.Fprint(table, "CPU a message\t")
	for _, results := range all {
		fmt.Fprintf(table, "%.2f µs\t", median(results, func(r result) float64 { return float64(r.cpu) / float64(time.Microsecond) }))
	}
	fmt.Fprintln(table, "\t\t")
	return table.Flush()
}

func best(results []result) float64 {
	return slices.MaxFunc(results, func(a, b result) int { return cmp.Compare(a.rate, b.rate) }).rate
}

// median returns the middle one of the figures; of an even number, the lower middle one.
func median[T any](of []T, figure func(T) float64) float64 {
	figures := make([]float64, len(of))
	for i, o := range of {
		figures[i] = figure(o)
	}
	slices.Sort(figures)
	return figures[(len(figures)-1)/2]
}

// measure runs a contestant once. The garbage of the run before is gone when it
// begins; its own is part of its cost.
func measure(ctx context.Context, c contestant, n int, to []phone.Number) (r result, err error) {
	runtime.GC()
	err = c.move(ctx, n, to, func(work func() error) error {
		began, spent := time.Now(), cpuTime()
		err := work()
		r.rate = float64(n) / time.Since(began).Seconds()
		r.cpu = (cpuTime() - spent) / time.Duration(n)
		return err
	})
	return r, err
}

// cpuTime is what the process has used so far, its garbage collector's included.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// recipients are more numbers than a cache holds, made before the clock runs.
func recipients() ([]phone.Number, error) {
	numbers := make([]phone.Number, 1<<16)
	for i := range numbers {
		var err error
		if numbers[i], err = phone.Parse(fmt.Sprintf("+8869%08d", i)); err != nil {
			return nil, err
		}
	}
	return numbers, nil
}
