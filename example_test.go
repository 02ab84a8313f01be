package smsplus_test

import (
	"context"
	"errors"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/line"
	"github.com/smsplus/smsplus-go/channel/sms/twilio"
	"github.com/smsplus/smsplus-go/pgstore"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/webhook"
)

// A service sends over LINE Push and Twilio and keeps its messages in PostgreSQL.
func Example() {
	templates := []smsplus.Template{{ID: "otp", Scenario: "OTP", TTL: 10 * time.Minute, Route: []smsplus.Step{
		{Channel: channel.LINEPush, Content: channel.Text("Your code is {{code}}"), OnFailed: smsplus.Forward},
		{Channel: channel.SMS, Content: channel.Text("Your code is {{code}}")},
	}}}
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	server := &http.Server{Addr: "localhost:8080", ReadHeaderTimeout: 5 * time.Second}
	go func() { log.Println(server.ListenAndServe()) }()
	log.Println(serve(ctx, pool, templates))
}

func serve(ctx context.Context, pool *pgxpool.Pool, templates []smsplus.Template) error {
	store, storeErr := pgstore.New(ctx, pool, pgstore.Options{})
	push, pushErr := line.NewPush(line.PushConfig{
		Account:  line.Account{Token: secret.New(os.Getenv("LINE_TOKEN")), Secrets: secret.NewAll(os.Getenv("LINE_SECRET"))},
		Contacts: line.NewDirectory(), // from phone numbers to LINE user IDs
	})
	sms, smsErr := twilio.New(twilio.Config{
		AccountSID: os.Getenv("TWILIO_ACCOUNT_SID"), AuthTokens: secret.NewAll(os.Getenv("TWILIO_AUTH_TOKEN")),
		From: os.Getenv("TWILIO_FROM"), StatusCallback: "https://example.com/receipts/sms",
	})
	if err := errors.Join(storeErr, pushErr, smsErr); err != nil {
		return err
	}
	d, err := smsplus.New(smsplus.Config{Store: store, Channels: []channel.Channel{push, sms}, Templates: templates})
	if err != nil {
		return err
	}
	http.Handle("/receipts/", webhook.New(d, webhook.Options{Prefix: "/receipts"}))
	return d.Run(ctx)
}
