// Bench compares smsplus with other projects and shows how its store in memory
// grows. It is a module of its own, so that what it compares with never reaches an
// application.
//
//	go run .          the engine beside watermill's gochannel, round by round
//	go run . growth   what memstore's calls cost at three sizes
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, args []string) error {
	if len(args) > 0 && args[0] == "growth" {
		flags := flag.NewFlagSet("growth", flag.ContinueOnError)
		largest := flags.Int("max", 1_000_000, "records in the largest store; the others hold a tenth and a hundredth")
		patience := flags.Duration("time", 300*time.Millisecond, "how long each call is repeated")
		if err := flags.Parse(args[1:]); err != nil {
			return err
		}
		if *largest < 10_000 {
			return fmt.Errorf("-max is %d, want at least 10000", *largest)
		}
		return growth(ctx, out, *largest, *patience)
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	n := flags.Int("n", 500_000, "messages in each run")
	rounds := flags.Int("rounds", 5, "how many times each project runs")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *n < senders || *rounds < 1 {
		return fmt.Errorf("-n is %d and -rounds is %d, want at least %d and 1", *n, *rounds, senders)
	}
	return peers(ctx, out, *n, *rounds)
}
