// Quickstart runs an hour's triggers, and the hours of fallbacks that follow, in a
// few seconds. Its routes are LINE Push → LINE Notification → SMS, and WhatsApp → SMS,
// over simulated providers. It prints the tables of an admin page and writes records.csv.
//
//	go run ./examples/quickstart
//
// Only the clock is fast: an hour passes in a second. The Dispatcher and the providers run
// their real loops, as in production. The phone number chooses the outcome of each
// message: see the table of magic numbers in package simulated.
//
// It keeps everything in memory, or in a file:
//
//	go run ./examples/quickstart -store sqlite:messages.db
//
// With a file you may kill it at any moment and start it again: it continues where it
// stopped. Messages that were being sent continue when their leases end, which takes 20
// seconds more.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/smsplus/smsplus-go/query"
	"github.com/smsplus/smsplus-go/smsplus"
)

//go:generate go run ./generate triggers.csv

// taipei is the time zone of the operators, for their days and for all times shown.
var taipei = time.FixedZone("Asia/Taipei", 8*60*60)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		stop()
		os.Exit(1)
	}
}

// run is the program. It prints results to stdout and progress to stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.SetOutput(stderr)
	file := flags.String("triggers", "", "a CSV `file` of triggers, with the columns of the built-in triggers.csv")
	speed := flags.Float64("speed", 1, "simulated `hours` a second, from 0.1 to 100")
	name := flags.String("store", "", "where messages live: sqlite:`FILE`; \"\" for memory")
	out := flags.String("out", "records.csv", "the CSV `file` to write the records to; \"\" for none")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if !(*speed >= 0.1 && *speed <= 100) {
		return fmt.Errorf("-speed is %g, want 0.1 to 100", *speed)
	}
	triggers, err := loadTriggers(*file)
	if err != nil {
		return err
	}

	store, err := openStore(ctx, *name)
	if err != nil {
		return err
	}
	if *name != "" {
		triggers = withKeys(triggers)
	}
	return errors.Join(runTriggers(ctx, newClock(*speed), store, triggers, *out, stdout, stderr), store.Close())
}

// runTriggers runs the triggers and prints the report.
func runTriggers(ctx context.Context, c *clock, store smsplus.Store, triggers []trigger, out string, stdout, stderr io.Writer) error {
	bar := newProgress(stderr, len(triggers))
	records, err := simulate(ctx, c, store, triggers, bar.show)
	bar.clear()
	if err != nil {
		return err
	}
	if err := printReport(ctx, stdout, records); err != nil {
		return err
	}
	if out == "" {
		return nil
	}
	if err := exportRecords(ctx, out, records); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "\nEvery record is in %s.\n", out)
	return err
}

// exportRecords writes every record to a CSV file for a spreadsheet.
func exportRecords(ctx context.Context, name string, records *query.Reader) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	err = query.WriteCSV(f, records.All(ctx, smsplus.Filter{}), query.Export{BOM: true, Location: taipei})
	return errors.Join(err, f.Close())
}
