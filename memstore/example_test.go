package memstore_test

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
)

func Example() {
	ctx := context.Background()
	store := memstore.New()

	now := time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC)
	_, err := store.Insert(ctx, []smsplus.Message{{
		ID:          uuid.MustParse("0195939e-4c80-7000-8000-000000000001"),
		Template:    "otp",
		Scenario:    "OTP",
		Channel:     channel.SMS,
		Lane:        channel.SMS,
		TriggeredAt: now,
		DueAt:       now,
	}})
	if err != nil {
		fmt.Println(err)
		return
	}

	claimed, err := store.Claim(ctx, smsplus.Claim{
		Now: now, Lease: time.Minute, Limit: 10, Holder: 1, Only: []channel.Name{channel.SMS},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range claimed.Messages {
		fmt.Println(m.Template, m.Channel, m.Status, "leased until", m.DueAt.Format(time.TimeOnly))
	}

	rows, err := store.Stats(ctx, smsplus.Filter{From: now.AddDate(0, -3, 0)})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, row := range rows {
		fmt.Println(row.Template, row.Triggered, "triggered,", row.Preparing, "preparing")
	}
	// Output:
	// otp sms preparing leased until 09:01:00
	// otp 1 triggered, 1 preparing
}
