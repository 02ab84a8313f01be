package main

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"runtime"
	"slices"
	"sync"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/smsplus/smsplus-go/phone"
)

// contest is a task that several projects run in turns.
type contest struct {
	name        string
	contestants []contestant
	ratios      []ratio
	// cpu returns the CPU time that all processes of the contest have used so far.
	cpu func() time.Duration
}

// contestant takes n messages from the trigger to their end. It runs the part that is
// measured, from the first message to the end of the last, in timed.
type contestant struct {
	name    string
	deliver func(ctx context.Context, n int, timed stopwatch) error
}

// stopwatch runs work and measures it.
type stopwatch func(work func() error) error

// ratio divides one contestant's figure by the best figure of others, in each round.
type ratio struct {
	name string
	of   string
	over []string
	cpu  bool // compare CPU time a message, the least being the best, instead of the rate
}

// result is the measurement of one run.
type result struct {
	rate float64       // messages a second
	cpu  time.Duration // a message
}

func (r ratio) figure(results map[string]result) float64 {
	if r.cpu {
		least := results[r.over[0]].cpu
		for _, name := range r.over {
			least = min(least, results[name].cpu)
		}
		return float64(results[r.of].cpu) / float64(least)
	}
	most := 0.0
	for _, name := range r.over {
		most = max(most, results[name].rate)
	}
	return results[r.of].rate / most
}

// keepMatching leaves out the contestants whose contest/name the pattern does not match,
// and the ratios that then have nothing to compare.
func (c contest) keepMatching(pattern *regexp.Regexp) contest {
	has := make(map[string]bool)
	var left []contestant
	for _, one := range c.contestants {
		if pattern.MatchString(c.name + "/" + one.name) {
			left, has[one.name] = append(left, one), true
		}
	}
	var ratios []ratio
	for _, r := range c.ratios {
		r.over = slices.DeleteFunc(slices.Clone(r.over), func(name string) bool { return !has[name] })
		if has[r.of] && len(r.over) > 0 {
			ratios = append(ratios, r)
		}
	}
	c.contestants, c.ratios = left, ratios
	return c
}

// run runs the contestants in turns and prints their results. The runs of a round follow
// each other closely, so that all of them meet the machine in the same state.
func (c contest) run(ctx context.Context, out io.Writer, n, rounds int) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "%s\t", c.name)
	for _, one := range c.contestants {
		fmt.Fprintf(table, "%s\t", one.name)
	}
	for _, r := range c.ratios {
		fmt.Fprintf(table, "%s\t", r.name)
	}
	fmt.Fprintln(table)

	all := make(map[string][]result)
	ratios := make([][]float64, len(c.ratios))
	for round := range rounds {
		results := make(map[string]result)
		for i := range c.contestants {
			one := c.contestants[(round+i)%len(c.contestants)] // another one is first in each round
			var err error
			if results[one.name], err = c.measure(ctx, one, n); err != nil {
				return fmt.Errorf("%s: %w", one.name, err)
			}
		}
		fmt.Fprintf(table, "%d\t", round+1)
		for _, one := range c.contestants {
			all[one.name] = append(all[one.name], results[one.name])
			fmt.Fprintf(table, "%.0f/s\t", results[one.name].rate)
		}
		for i, r := range c.ratios {
			ratios[i] = append(ratios[i], r.figure(results))
			fmt.Fprintf(table, "%.2f\t", ratios[i][round])
		}
		fmt.Fprintln(table)
	}
	for _, line := range []struct {
		name string
		of   func([]float64) float64
	}{{"median", median}, {"least", slices.Min[[]float64]}, {"most", slices.Max[[]float64]}} {
		fmt.Fprintf(table, "%s\t", line.name)
		for _, one := range c.contestants {
			fmt.Fprintf(table, "%.0f/s\t", line.of(figures(all[one.name], func(r result) float64 { return r.rate })))
		}
		for _, r := range ratios {
			fmt.Fprintf(table, "%.2f\t", line.of(r))
		}
		fmt.Fprintln(table)
	}
	fmt.Fprint(table, "CPU a message\t")
	for _, one := range c.contestants {
		cpu := figures(all[one.name], func(r result) float64 { return float64(r.cpu) / float64(time.Microsecond) })
		fmt.Fprintf(table, "%.2f µs\t", median(cpu))
	}
	for range c.ratios {
		fmt.Fprint(table, "\t")
	}
	fmt.Fprintln(table)
	return table.Flush()
}

func figures(results []result, figure func(result) float64) []float64 {
	fs := make([]float64, len(results))
	for i, r := range results {
		fs[i] = figure(r)
	}
	return fs
}

// median returns the middle figure, or the lower one of two in the middle.
func median(figures []float64) float64 {
	return slices.Sorted(slices.Values(figures))[(len(figures)-1)/2]
}

// measure runs a contestant once. It collects the garbage of the previous run first. The
// run's own garbage is part of its cost.
func (c contest) measure(ctx context.Context, one contestant, n int) (r result, err error) {
	err = one.deliver(ctx, n, func(work func() error) error {
		runtime.GC()
		began, spent := time.Now(), c.cpu()
		err := work()
		r.rate = float64(n) / time.Since(began).Seconds()
		r.cpu = (c.cpu() - spent) / time.Duration(n)
		return err
	})
	return r, err
}

// runParallel calls call for n items from several goroutines, a batch in each call.
func runParallel(callers, n, batch int, call func(first, end int) error) error {
	var group errgroup.Group
	for caller := range callers {
		group.Go(func() error {
			for first := caller * batch; first < n; first += callers * batch {
				if err := call(first, min(first+batch, n)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// pollUntil calls ask every millisecond until it returns true or an error.
func pollUntil(ctx context.Context, ask func() (bool, error)) error {
	for {
		if yes, err := ask(); yes || err != nil {
			return err
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// payloads are the triggers as bytes, for projects that move bytes.
var payloads = sync.OnceValue(func() [][]byte {
	bodies := make([][]byte, len(recipients()))
	for i, to := range recipients() {
		bodies[i] = fmt.Appendf(nil, `{"template":"otp","to":%q,"vars":{"code":"498172"}}`, to.E164())
	}
	return bodies
})

// recipients are more numbers than a cache holds. They are made before the measurement.
var recipients = sync.OnceValue(func() []phone.Number {
	numbers := make([]phone.Number, 1<<16)
	for i := range numbers {
		numbers[i] = mustParseNumber(fmt.Sprintf("+8869%08d", i))
	}
	return numbers
})
