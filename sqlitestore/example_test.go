package sqlitestore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/sqlitestore"
)

// This example sends a message that was triggered before a restart.
func Example() {
	dir, err := os.MkdirTemp("", "smsplus")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir) //nolint:errcheck // the system cleans up
	path := filepath.Join(dir, "messages.db")
	ctx := context.Background()
	if err := sqlitestore.Migrate(ctx, path); err != nil {
		fmt.Println(err)
		return
	}

	var id uuid.UUID
	err = withDispatcher(ctx, path, func(d *smsplus.Dispatcher) (err error) {
		to, err := phone.Parse("+886912345600")
		if err != nil {
			return err
		}
		id, err = d.Send(ctx, smsplus.Trigger{
			Template: "otp", To: channel.Recipient{Phone: to}, Vars: map[string]string{"code": "123456"}, Key: "log-in 17",
		})
		return err
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("the process ends")

	err = withDispatcher(ctx, path, func(d *smsplus.Dispatcher) error {
		if _, err := d.Tick(ctx); err != nil {
			return err
		}
		m, err := d.Message(ctx, id)
		fmt.Println(m.Key, "to", m.To.Phone, "is", m.Status)
		return err
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// the process ends
	// log-in 17 to +886******600 is delivered
}

// withDispatcher opens the file as a new process would, calls work and closes the file.
func withDispatcher(ctx context.Context, path string, work func(*smsplus.Dispatcher) error) error {
	store, err := sqlitestore.Open(ctx, path, sqlitestore.Options{})
	if err != nil {
		return err
	}
	mock := clock.NewMock()
	mock.Set(time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC))
	d, err := smsplus.New(smsplus.Config{
		Store: store, Clock: mock,
		Channels: []channel.Channel{simulated.New(simulated.Config{Name: channel.SMS, Clock: mock})},
		Templates: []smsplus.Template{{ID: "otp", Scenario: "OTP", Route: []smsplus.Step{
			{Channel: channel.SMS, Content: channel.Text("Your code is {{code}}")},
		}}},
	})
	if err == nil {
		err = work(d)
	}
	return errors.Join(err, store.Close())
}

// An administrator runs this SQL where programs may not change a schema.
func ExampleMigrationSQL() {
	text, err := sqlitestore.MigrationSQL(0)
	if err != nil {
		fmt.Println(err)
		return
	}
	head, _, _ := strings.Cut(text, "\n\n")
	fmt.Println(head)
	// Output:
	// -- smsplus, version 1: messages
	// BEGIN;
}
