// Console shows the pages of package console over lively traffic on simulated channels.
//
//	go run ./examples/console                              # prints the address to open
//	go run ./examples/console -addr localhost:8080 -store sqlite:messages.db
//	go run ./examples/console -store postgres://user@host/database
//
// It fills a new store with a month's messages, and then sends a few each second. Every user
// of this machine may see and do everything there. An application of yours would say who may
// in Config.Authorize, Config.Reveal and Config.Allow.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
	_ "time/tzdata" // the viewers' time zones, on machines without them

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/smsplus/smsplus-go/console"
	"github.com/smsplus/smsplus-go/pgstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/sqlitestore"
)

func main() {
	addr := flag.String("addr", "localhost:0", "serve on this loopback `address`; port 0 means any free one")
	name := flag.String("store", "", "where messages live: sqlite:`FILE` or a postgres:// URL (default: a file that is deleted at the end)")
	rate := flag.Float64("rate", 2, "`messages` triggered a second, above 0")
	length := flag.Duration("for", 0, "end after this `time` (default: when interrupted)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *length > 0 {
		ctx, stop = context.WithTimeout(ctx, *length)
		defer stop()
	}
	listener, err := net.Listen("tcp", *addr)
	if err == nil {
		err = run(ctx, listener, *name, *rate, os.Stdout)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// run serves the pages until ctx ends.
func run(ctx context.Context, listener net.Listener, name string, rate float64, out io.Writer) (err error) {
	if rate <= 0 {
		return errors.New("-rate must be above 0")
	}
	store, closeStore, err := openStore(ctx, name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeStore()) }()
	if err := addHistory(ctx, store, time.Now()); err != nil {
		return err
	}
	d, err := smsplus.New(smsplus.Config{Name: "example", Store: store, Channels: newChannels(), Templates: templates})
	if err != nil {
		return err
	}
	pages, err := console.New(console.Config{
		Store: store, Dispatcher: d, Context: ctx, Title: "Example shop", Logger: slog.Default(),
		Reveal: func(*http.Request) bool { return true },
		Allow:  func(*http.Request, console.Action) bool { return true },
		Audit: func(_ *http.Request, e console.AuditEntry) error {
			_, err := fmt.Fprintln(out, "audit:", e.User, e.Action, e.Page, e.Filter)
			return err
		},
	})
	if err != nil {
		return err
	}
	server := &http.Server{Handler: pages, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 20 * time.Second, WriteTimeout: time.Minute}
	if _, err := fmt.Fprintf(out, "The console is at http://%s/\n", listener.Addr()); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return d.Run(ctx) })
	g.Go(func() error { return sendTraffic(ctx, d, rate) })
	g.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	<-ctx.Done()
	return errors.Join(server.Shutdown(context.WithoutCancel(ctx)), g.Wait()) // the server's timeouts limit it
}

// openStore opens and migrates a store.
func openStore(ctx context.Context, name string) (_ smsplus.Store, closeStore func() error, err error) {
	if strings.HasPrefix(name, "postgres://") || strings.HasPrefix(name, "postgresql://") {
		return openPostgres(ctx, name)
	}
	path, isFile := strings.CutPrefix(name, "sqlite:")
	clean := func() error { return nil }
	switch {
	case name == "":
		folder, err := os.MkdirTemp("", "smsplus-console-")
		if err != nil {
			return nil, nil, err
		}
		path, clean = filepath.Join(folder, "messages.db"), func() error { return os.RemoveAll(folder) }
	case !isFile || path == "":
		return nil, nil, errors.New("-store wants sqlite:FILE or a postgres:// URL")
	}
	if err := sqlitestore.Migrate(ctx, path); err != nil {
		return nil, nil, errors.Join(err, clean())
	}
	store, err := sqlitestore.Open(ctx, path, sqlitestore.Options{})
	if err != nil {
		return nil, nil, errors.Join(err, clean())
	}
	return store, func() error { return errors.Join(store.Close(), clean()) }, nil
}

func openPostgres(ctx context.Context, url string) (smsplus.Store, func() error, error) {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return nil, nil, errors.New("-store: the postgres:// URL cannot be read") // err may have its password
	}
	if err := pgstore.Migrate(ctx, pool, pgstore.Options{}); err != nil {
		pool.Close()
		return nil, nil, err
	}
	store, err := pgstore.New(ctx, pool, pgstore.Options{})
	if err != nil {
		pool.Close()
		return nil, nil, err
	}
	return store, func() error {
		defer pool.Close()
		return store.Close()
	}, nil
}
