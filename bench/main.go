// Bench compares smsplus with other projects and shows how the cost of its stores grows.
// It is a separate module, so that no application depends on the other projects.
//
//	go run .            the engine and watermill's gochannel, round by round
//	go run . postgres   the engine on PostgreSQL, River, and bare statements
//	go run . sqlite     the engine on SQLite, goqite, backlite, and bare statements
//	go run . latency    the time from a trigger to the provider through an idle PostgreSQL
//	go run . growth     the cost of a store's calls at three sizes
//	go run . pages      how long the console's pages take
//	go run . urgent     how long an urgent message takes behind a campaign
//	go run . shared     the rate that several dispatchers keep together
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"syscall"
	"time"

	"github.com/smsplus/smsplus-go/internal/pgtest"
	"github.com/smsplus/smsplus-go/sqlitestore"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Stdout, os.Args[1:])
	pgtest.Stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, args []string) error {
	command := "memory"
	if len(args) > 0 && args[0] != "" && args[0][0] != '-' {
		command, args = args[0], args[1:]
	}
	switch command {
	case "memory":
		r := newContestRunner(command, 500_000)
		if err := r.parse(args); err != nil {
			return err
		}
		return r.run(ctx, out, memoryContest())
	case "postgres":
		r := newContestRunner(command, 50_000)
		dsn := dsnFlag(r.flags)
		if err := r.parse(args); err != nil {
			return err
		}
		db, err := connect(ctx, *dsn)
		if err != nil {
			return err
		}
		if err := db.describe(ctx, out); err != nil {
			return err
		}
		return r.run(ctx, out, singleContest(db), manyContest(db))
	case "latency":
		flags := flag.NewFlagSet(command, flag.ContinueOnError)
		n := flags.Int("n", 100, "triggers each way")
		pause := flags.Duration("pause", 150*time.Millisecond, "the shortest between two triggers; the longest is a poll longer")
		poll := flags.Duration("poll", time.Second, "the dispatcher's Config.Poll")
		dsn := dsnFlag(flags)
		if err := flags.Parse(args); err != nil {
			return err
		}
		if *n < 1 || *pause <= 0 || *poll <= 0 {
			return fmt.Errorf("-n is %d, -pause %v and -poll %v, want more than nothing", *n, *pause, *poll)
		}
		db, err := connect(ctx, *dsn)
		if err != nil {
			return err
		}
		if err := db.describe(ctx, out); err != nil {
			return err
		}
		return printLatency(ctx, out, db, *n, *pause, *poll)
	case "sqlite":
		r := newContestRunner(command, 20_000)
		dir := r.flags.String("dir", os.TempDir(), "where the files are")
		if err := r.parse(args); err != nil {
			return err
		}
		return r.run(ctx, out, sqliteContest(folder(*dir), sqlitestore.Full), sqliteContest(folder(*dir), sqlitestore.Normal))
	case "pages":
		flags := flag.NewFlagSet(command, flag.ContinueOnError)
		store := flags.String("store", "memory", "memory, sqlite or postgres")
		n := flags.Int("n", 1_000_000, "records")
		patience := flags.Duration("time", 300*time.Millisecond, "how long each page is asked for")
		dir, dsn := flags.String("dir", os.TempDir(), "where SQLite's file is"), dsnFlag(flags)
		if err := flags.Parse(args); err != nil {
			return err
		}
		if *n < 1000 {
			return fmt.Errorf("-n is %d, want at least 1000", *n)
		}
		grow, err := growerOf(ctx, *store, *dir, *dsn)
		if err != nil {
			return err
		}
		return printPages(ctx, out, *n, grow, *patience)
	case "urgent":
		flags := flag.NewFlagSet(command, flag.ContinueOnError)
		store := flags.String("store", "memory", "memory, sqlite or postgres")
		n := flags.Int("n", 1_000_000, "bulk messages that wait")
		codes := flags.Int("codes", 1000, "urgent messages")
		perSecond := flags.Float64("rate", 200, "sends a second of the channel")
		dir, dsn := flags.String("dir", os.TempDir(), "where SQLite's file is"), dsnFlag(flags)
		if err := flags.Parse(args); err != nil {
			return err
		}
		if *n < 1 || *codes < 1 || !(*perSecond > 0) {
			return fmt.Errorf("-n is %d, -codes %d and -rate %g, want more than nothing", *n, *codes, *perSecond)
		}
		grow, err := growerOf(ctx, *store, *dir, *dsn)
		if err != nil {
			return err
		}
		return printUrgent(ctx, out, campaign{*n, *codes, *perSecond}, grow)
	case "shared":
		flags := flag.NewFlagSet(command, flag.ContinueOnError)
		store := flags.String("store", "memory", "memory, sqlite or postgres")
		dispatchers := flags.Int("dispatchers", 4, "how many share the rate")
		perSecond := flags.Float64("rate", 100, "sends a second of all together")
		patience := flags.Duration("time", 30*time.Second, "how long they are measured; they settle for a third of it first")
		dir, dsn := flags.String("dir", os.TempDir(), "where SQLite's file is"), dsnFlag(flags)
		if err := flags.Parse(args); err != nil {
			return err
		}
		if *dispatchers < 1 || !(*perSecond > 0) || *patience < time.Second {
			return fmt.Errorf("-dispatchers is %d, -rate %g and -time %v, want at least 1, more than nothing and 1s", *dispatchers, *perSecond, *patience)
		}
		grow, err := growerOf(ctx, *store, *dir, *dsn)
		if err != nil {
			return err
		}
		return printShared(ctx, out, sharers{*dispatchers, *perSecond, *patience / 3, *patience}, grow)
	case "growth":
		flags := flag.NewFlagSet(command, flag.ContinueOnError)
		store := flags.String("store", "memory", "memory, sqlite or postgres")
		largest := flags.Int("max", 1_000_000, "records in the largest store; see the README for the others")
		patience := flags.Duration("time", 300*time.Millisecond, "how long each call is repeated")
		dir, dsn := flags.String("dir", os.TempDir(), "where SQLite's files are"), dsnFlag(flags)
		if err := flags.Parse(args); err != nil {
			return err
		}
		if *largest < 10_000 {
			return fmt.Errorf("-max is %d, want at least 10000", *largest)
		}
		sizes := []int{0, *largest / 5, *largest}
		switch *store {
		case "memory":
			return printGrowth(ctx, out, []int{*largest / 100, *largest / 10, *largest}, fillMemory, *patience)
		case "sqlite":
			return printGrowth(ctx, out, sizes, folder(*dir).fillFile, *patience)
		case "postgres":
			db, err := connect(ctx, *dsn)
			if err != nil {
				return err
			}
			if err := printGrowth(ctx, out, sizes, db.fillSchema, *patience); err != nil {
				return err
			}
			return printIdleStatements(ctx, out, db, 10**patience)
		default:
			return fmt.Errorf("there is no store %q", *store)
		}
	default:
		return fmt.Errorf("there is no %q", command)
	}
}

// growerOf returns what makes a filled store of a kind.
func growerOf(ctx context.Context, store, dir, dsn string) (func(ctx context.Context, n int) (filledStore, error), error) {
	switch store {
	case "memory":
		return fillMemory, nil
	case "sqlite":
		return folder(dir).fillFile, nil
	case "postgres":
		db, err := connect(ctx, dsn)
		if err != nil {
			return nil, err
		}
		return db.fillSchema, nil
	}
	return nil, fmt.Errorf("there is no store %q", store)
}

func dsnFlag(flags *flag.FlagSet) *string {
	return flags.String("dsn", "", "a server to use; without it the program starts one, as durable as PostgreSQL's defaults are")
}

// contestRunner runs contests as its flags say.
type contestRunner struct {
	flags     *flag.FlagSet
	n, rounds *int
	only      *string
	pattern   *regexp.Regexp
}

func newContestRunner(command string, n int) *contestRunner {
	flags := flag.NewFlagSet(command, flag.ContinueOnError)
	return &contestRunner{
		flags: flags, n: flags.Int("n", n, "messages in each run"),
		rounds: flags.Int("rounds", 5, "how many times each contestant runs"),
		only:   flags.String("only", "", "a pattern of which contestants run, as contest/name"),
	}
}

func (r *contestRunner) parse(args []string) (err error) {
	if err := r.flags.Parse(args); err != nil {
		return err
	}
	if *r.n < 1 || *r.rounds < 1 {
		return fmt.Errorf("-n is %d and -rounds is %d, want at least 1", *r.n, *r.rounds)
	}
	r.pattern, err = regexp.Compile(*r.only)
	return err
}

func (r *contestRunner) run(ctx context.Context, out io.Writer, contests ...contest) error {
	fmt.Fprintf(out, "%d messages a run, %s, GOMAXPROCS %d\n", *r.n, runtime.Version(), runtime.GOMAXPROCS(0))
	for _, c := range contests {
		if c = c.keepMatching(r.pattern); len(c.contestants) == 0 {
			continue
		}
		fmt.Fprintln(out)
		if err := c.run(ctx, out, *r.n, *r.rounds); err != nil {
			return err
		}
	}
	return nil
}
