// Service is a complete service: an HTTP API, SQLite, LINE and SMS with their webhooks, and
// a shut-down that loses nothing.
//
//	go run ./examples/service                       # triggers one message, shows it, and ends
//	go run ./examples/service -addr localhost:8080  # serves until it is interrupted
//	curl -d '{"order":"A-1","phone":"+886900001000"}' localhost:8080/shipped
//	curl localhost:8080/messages/ID
//
// A provider without credentials in the environment is simulated. The API has no
// authentication: put it behind yours, and only /receipts/ on the internet.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/line"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/channel/sms/twilio"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/query"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/sqlitestore"
	"github.com/smsplus/smsplus-go/webhook"
)

var templates = []smsplus.Template{{ID: "shipped", Scenario: "order shipped", Route: []smsplus.Step{
	{Channel: channel.LINENotify, Content: channel.Text("Your order {{order}} has shipped.")},
	{Channel: channel.SMS, Content: channel.Text("Your order {{order}} has shipped.")},
}}}

func main() {
	addr := flag.String("addr", "", "serve on this `address` until interrupted (default: show one message, and end)")
	db := flag.String("db", "messages.db", "the SQLite `file` of the messages, with -addr")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	listener, err := net.Listen("tcp", cmp.Or(*addr, "localhost:0"))
	if err == nil && *addr == "" {
		err = demonstrate(ctx, listener, os.Stdout)
	} else if err == nil {
		err = serve(ctx, listener, *db, os.Getenv)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// serve serves until ctx ends. Then it answers the calls that it has, and waits for the
// sends in flight. What is not sent by then is in the file, for the next start.
func serve(ctx context.Context, listener net.Listener, db string, getenv func(string) string) (err error) {
	if err := sqlitestore.Migrate(ctx, db); err != nil {
		return err
	}
	store, err := sqlitestore.Open(ctx, db, sqlitestore.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	channels, err := openChannels(getenv)
	if err != nil {
		return err
	}
	d, err := smsplus.New(smsplus.Config{Store: store, Channels: channels, Templates: templates, Logger: slog.Default()})
	if err != nil {
		return err
	}
	server := &http.Server{ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 20 * time.Second, WriteTimeout: 20 * time.Second}
	server.Handler = newAPI(d, query.New(store, query.Options{}))
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return d.Run(ctx) })
	g.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	<-ctx.Done()
	return errors.Join(server.Shutdown(context.WithoutCancel(ctx)), g.Wait()) // the server's timeouts limit it
}

// openChannels returns the channels of the templates' routes.
func openChannels(getenv func(string) string) (_ []channel.Channel, err error) {
	var notification, sms channel.Channel = simulated.LINENotify(nil), simulated.SMS(nil)
	if token := getenv("LINE_TOKEN"); token != "" {
		account := line.Account{Token: secret.New(token), Secrets: secret.NewAll(getenv("LINE_SECRET"))}
		notification, err = line.NewNotification(line.NotificationConfig{Account: account})
	}
	if token := getenv("TWILIO_AUTH_TOKEN"); token != "" && err == nil {
		sms, err = twilio.New(twilio.Config{
			AccountSID: getenv("TWILIO_ACCOUNT_SID"), AuthTokens: secret.NewAll(token), From: getenv("TWILIO_FROM"),
			StatusCallback: getenv("PUBLIC_URL") + "/receipts/sms", // such as https://example.com/receipts/sms
		})
	}
	return []channel.Channel{notification, sms}, err
}

// newAPI returns the handler of the API and of the providers' calls.
func newAPI(d *smsplus.Dispatcher, records *query.Reader) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/receipts/", webhook.New(d, webhook.Options{Prefix: "/receipts", Logger: slog.Default()}))
	mux.HandleFunc("POST /shipped", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Order, Phone string }
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4<<10)).Decode(&in)
		to, phoneErr := phone.Parse(in.Phone)
		if err != nil || phoneErr != nil || in.Order == "" {
			http.Error(w, "want JSON with an order and a phone in E.164", http.StatusBadRequest)
			return
		}
		tr := smsplus.Trigger{Template: "shipped", To: channel.Recipient{Phone: to}, Vars: map[string]string{"order": in.Order}}
		tr.Key = "shipped/" + in.Order // a repeated call sends no second message
		id, err := d.Send(r.Context(), tr)
		switch {
		case errors.Is(err, smsplus.ErrInvalidTrigger), errors.Is(err, smsplus.ErrKeyReused):
			http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		case err != nil:
			http.Error(w, "try again", http.StatusServiceUnavailable)
		default:
			_, _ = fmt.Fprintln(w, id) // fails if the caller has left
		}
	})
	mux.HandleFunc("GET /messages/{id}", func(w http.ResponseWriter, r *http.Request) {
		id, _ := uuid.Parse(r.PathValue("id")) // no message has the zero ID
		record := func(yield func(smsplus.Message, error) bool) { yield(records.Record(r.Context(), id)) }
		if err := query.WriteNDJSON(w, record); errors.Is(err, smsplus.ErrNotFound) {
			http.NotFound(w, r)
		} else if err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
		}
	})
	return mux
}
