// Program application is a small application of smsplus, for the test of a roll-out. The test
// builds it with two versions of the module, so it only uses what both have.
//
//	application STORE ADDRESS SCHEMA COPIES NAME
//
// It reads commands from its standard input, a line each, and answers each with a line:
//
//	migrate                  migrates the store to the version's schema
//	open                     opens the store with a dispatcher that does not run: it only inserts
//	run                      runs the dispatcher
//	send FROM TO DELAY       sends messages with these numbers, to be delivered after the delay
//	receive ID …             receives that the copies with these providers' IDs were delivered
//
// A copy that is sent is a line in the file COPIES: the name, the message, the provider's ID.
//
// At the end of its input the program drains, and exits.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/pgstore"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/sqlitestore"
	"github.com/smsplus/smsplus-go/status"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "application:", err)
		os.Exit(1)
	}
}

// carrier writes a line for each copy, and accepts it.
type carrier struct {
	name   string
	copies *os.File
}

func (carrier) Name() channel.Name     { return channel.SMS }
func (carrier) Traits() channel.Traits { return channel.Traits{Machine: status.SMS} }

func (c carrier) Send(_ context.Context, e channel.Envelope) (channel.Result, error) {
	text, _ := e.Content.(channel.Text)
	id := e.AttemptID.String()
	_, err := fmt.Fprintf(c.copies, "%s %s %s\n", c.name, string(text), id)
	return channel.Result{Status: status.Accepted, ProviderID: id}, err
}

// application is the running program.
type application struct {
	store, address, schema string // of the arguments
	carrier                carrier

	dispatcher *smsplus.Dispatcher
	stop       func() error // of the dispatcher and the store
}

func run(ctx context.Context, args []string) error {
	if len(args) != 5 {
		return errors.New("it takes five arguments")
	}
	copies, err := os.OpenFile(args[3], os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	a := &application{
		store: args[0], address: args[1], schema: args[2], carrier: carrier{args[4], copies},
		stop: func() error { return nil },
	}
	commands := bufio.NewScanner(os.Stdin)
	commands.Buffer(nil, 1<<20)
	for commands.Scan() {
		answer, err := a.obey(ctx, strings.Fields(commands.Text()))
		if err != nil {
			return errors.Join(err, a.stop(), copies.Close())
		}
		fmt.Println(answer)
	}
	return errors.Join(commands.Err(), a.stop(), copies.Close())
}

// obey carries out a command, and returns the answer.
func (a *application) obey(ctx context.Context, words []string) (answer string, err error) {
	if len(words) == 0 {
		return "", errors.New("there is no command")
	}
	switch words[0] {
	case "migrate":
		return "migrated", a.migrate(ctx)
	case "open":
		return "opened", a.open(ctx)
	case "run":
		a.start(ctx)
		return "running", nil
	case "send":
		return a.send(ctx, words[1:])
	case "receive":
		var rs []channel.Receipt
		for _, id := range words[1:] {
			rs = append(rs, channel.Receipt{Channel: channel.SMS, ProviderID: id, Status: status.Delivered, At: time.Now()})
		}
		return "received", a.dispatcher.Receive(ctx, rs...)
	}
	return "", fmt.Errorf("no command is %q", words[0])
}

func (a *application) migrate(ctx context.Context) error {
	if a.store == "sqlite" {
		return sqlitestore.Migrate(ctx, a.address)
	}
	pool, err := pgxpool.New(ctx, a.address)
	if err != nil {
		return err
	}
	defer pool.Close()
	return pgstore.Migrate(ctx, pool, pgstore.Options{Schema: a.schema})
}

// open opens the store, with a dispatcher that does not run.
func (a *application) open(ctx context.Context) error {
	store, closePool, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	a.dispatcher, err = smsplus.New(smsplus.Config{
		Store: store, Channels: []channel.Channel{a.carrier}, Poll: 20 * time.Millisecond,
		Templates: []smsplus.Template{{ID: "notice", Route: []smsplus.Step{{Channel: channel.SMS, Content: channel.Text("{{n}}")}}}},
	})
	a.stop = func() error {
		err := store.Close()
		closePool()
		return err
	}
	return err
}

// start runs the dispatcher until stop is called.
func (a *application) start(ctx context.Context) {
	running, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- a.dispatcher.Run(running) }()
	closeStore := a.stop
	a.stop = func() error {
		cancel()
		err := <-ended
		if errors.Is(err, context.Canceled) {
			err = nil
		}
		return errors.Join(err, closeStore())
	}
}

func (a *application) openStore(ctx context.Context) (s smsplus.Store, closePool func(), err error) {
	if a.store == "sqlite" {
		s, err = sqlitestore.Open(ctx, a.address, sqlitestore.Options{})
		return s, func() {}, err
	}
	pool, err := pgxpool.New(ctx, a.address)
	if err != nil {
		return nil, nil, err
	}
	s, err = pgstore.New(ctx, pool, pgstore.Options{Schema: a.schema})
	return s, pool.Close, err
}

// send answers with the numbers of messages that were taken and refused.
func (a *application) send(ctx context.Context, words []string) (answer string, err error) {
	var numbers [3]int
	if len(words) != len(numbers) {
		return "", errors.New("send takes three numbers")
	}
	for i, word := range words {
		if numbers[i], err = strconv.Atoi(word); err != nil {
			return "", err
		}
	}
	to, err := phone.Parse("+886912345678")
	if err != nil {
		return "", err
	}
	taken, refused := 0, 0
	for n := numbers[0]; n < numbers[1]; n++ {
		key := fmt.Sprintf("%s-%d", a.carrier.name, n)
		trigger := smsplus.Trigger{Template: "notice", To: channel.Recipient{Phone: to}, Key: key, Vars: map[string]string{"n": key}}
		if delay := numbers[2]; delay > 0 {
			trigger.SendAt = time.Now().Add(time.Duration(delay) * time.Millisecond)
		}
		if _, err := a.dispatcher.Send(ctx, trigger); err != nil {
			fmt.Fprintln(os.Stderr, "application: send:", err)
			refused++
			continue
		}
		taken++
	}
	return fmt.Sprintf("sent %d %d", taken, refused), nil
}
