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

// contest is what several projects do in turns.
type contest struct {
	name        string
	contestants []contestant
	ratios      []ratio
	// cpu is what all that takes part has used so far.
	cpu func() time.Duration
}

// contestant takes n messages to where they end. It hands the part that counts,
// from the first message to the end of the last, to timed.
type contestant struct {
	name string
	deliver func(ctx context.Context, n int, timed stopwatch) error
}

// stopwatch runs what it times.
type stopwatch func(work func() error) error

// ratio is one contestant's figure over that of the best of others, in each round.
type ratio struct {
	name string
	of   string
	over []string
	cpu  bool // time of CPUs a message, of which the least is the best, and not the rate
}

// result is what one run came to.
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

// keepMatching leaves out the contestants that the pattern does not match, as contest/name,
// and the ratios that then lack somebody.
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

// run runs the contestants in turns, so that each round's runs share the machine's
// mood, and prints what they came to.
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
			one := c.contestants[(round+i)%len(c.contestants)] // nobody is always first
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

// median returns the middle one of the figures; of an even number, the lower middle one.
func median(figures []float64) float64 {
	return slices.Sorted(slices.Values(figures))[(len(figures)-1)/2]
}

// measure runs a contestant once. The garbage of the run before is gone when it
// begins; its own is part of its cost.
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

// runParallel has callers at a time call for n things, a batch of them each time.
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

// pollUntil asks again, a millisecond later, until the answer is yes.
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

// payloads say what triggers do, for projects that move bytes.
var payloads = sync.OnceValue(func() [][]byte {
	bodies := make([][]byte, len(recipients()))
	for i, to := range recipients() {
		bodies[i] = fmt.Appendf(nil, `{"template":"otp","to":%q,"vars":{"code":"498172"}}`, to.E164())
	}
	return bodies
})

// recipients are more numbers than a cache holds, made before the clock runs.
var recipients = sync.OnceValue(func() []phone.Number {
	numbers := make([]phone.Number, 1<<16)
	for i := range numbers {
		numbers[i] = mustParseNumber(fmt.Sprintf("+8869%08d", i))
	}
	return numbers
})
