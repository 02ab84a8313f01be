// API mounts the HTTP API of smsplus at /sms-plus, for programs in other languages.
//
//	go run ./examples/api                       # triggers one message over HTTP, shows it, and ends
//	go run ./examples/api -addr localhost:8080  # serves until it is interrupted
//	curl -H 'Authorization: Bearer 5f3c' -H 'Content-Type: application/json' -H 'Idempotency-Key: "shipped/A-1"' \
//	  -d '{"template":"shipped","to":{"phone":"+886900000000"},"vars":{"order":"A-1"}}' localhost:8080/sms-plus/messages
//	curl -H 'Authorization: Bearer 5f3c' localhost:8080/sms-plus/openapi.json
package main

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"flag"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/smsplus/smsplus-go/api"
	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
)

func main() {
	addr := flag.String("addr", "", "serve on this `address` until interrupted (default: show one message, and end)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	listener, err := net.Listen("tcp", cmp.Or(*addr, "localhost:0"))
	if err != nil {
		log.Fatal(err)
	}
	if *addr == "" {
		err = demonstrate(ctx, listener, os.Stdout)
	} else {
		err = serve(ctx, listener)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// token is the shop's. A service has a hash of each caller's token in its own database.
const token = "Bearer 5f3c"

// knownCaller returns the name of the caller. It is the place for the service's own
// authentication: tokens, signatures or client certificates.
func knownCaller(r *http.Request) (string, error) {
	if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte(token)) != 1 {
		return "", api.ErrUnauthenticated
	}
	return "shop", nil
}

// serve sends messages, and serves the API, until ctx ends.
func serve(ctx context.Context, listener net.Listener) error {
	store := memstore.New() // sqlitestore and pgstore are durable
	d, err := smsplus.New(smsplus.Config{
		Store: store, Channels: []channel.Channel{simulated.SMS(nil)},
		Templates: []smsplus.Template{{ID: "shipped", Scenario: "order shipped", Route: []smsplus.Step{
			{Channel: channel.SMS, Content: channel.Text("Your order {{order}} has shipped.")},
		}}},
	})
	if err != nil {
		return err
	}
	handler, err := api.New(api.Config{
		Store: store, Dispatcher: d, Authorize: knownCaller, Logger: slog.Default(),
		Allow: func(*http.Request, api.Action) bool { return true }, // the only caller may do everything
	})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/sms-plus/", http.StripPrefix("/sms-plus", handler))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 20 * time.Second}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return d.Run(ctx) })
	g.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	<-ctx.Done()
	return errors.Join(server.Shutdown(context.WithoutCancel(ctx)), g.Wait())
}
