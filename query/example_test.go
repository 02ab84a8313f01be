package query_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/query"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// The queries of admin pages: statistics, counts of tabs, one page of records, and a range
// that is too long.
func Example() {
	ctx := context.Background()
	taipei := time.FixedZone("Asia/Taipei", 8*60*60)
	today := clock.NewMock() // an application needs no clock
	today.Set(time.Date(2026, 5, 31, 12, 0, 0, 0, taipei))
	store := exampleStore(ctx, today.Now())
	r := query.New(store, query.Options{Clock: today, Location: taipei})

	templates, err := r.Templates(ctx, smsplus.Filter{Channel: channel.SMS})
	if err != nil {
		log.Fatal(err)
	}
	for _, t := range templates {
		fmt.Printf("%s: %d sent as SMS, %d delivered\n", t.Template, t.Triggered, t.Delivered)
	}

	counts, err := r.CountByGroup(ctx, smsplus.Filter{})
	if err != nil {
		log.Fatal(err)
	}
	for _, g := range status.Groups() {
		fmt.Printf("%v: %d\n", g, counts[g])
	}

	page, err := r.Records(ctx, smsplus.Filter{CountryCode: "886", Group: status.Sent})
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range page.Messages {
		fmt.Println(m.To.Phone, m.Scenario, m.Status, "by", m.Channel)
	}

	_, err = r.Records(ctx, smsplus.Filter{From: today.Now().AddDate(-1, 0, 0)})
	fmt.Println(err)

	// Output:
	// otp: 1 sent as SMS, 1 delivered
	// shipped: 0 sent as SMS, 0 delivered
	// all: 2
	// sending: 1
	// sent: 1
	// undeliverable: 0
	// failed: 0
	// +886******678 log-in delivered by sms
	// smsplus: bad filter: Filter.From is 2025-05-31T12:00:00+08:00; the earliest allowed is 2026-02-28T00:00:00+08:00 (Asia/Taipei), 3 month(s) before today
}

// An export for people, in their time zone. Phone numbers are masked unless the options
// reveal them. They are in two columns, because a spreadsheet takes a cell that begins
// with a plus sign for a formula.
func ExampleWriteCSV() {
	ctx := context.Background()
	taipei := time.FixedZone("Asia/Taipei", 8*60*60)
	today := clock.NewMock()
	today.Set(time.Date(2026, 5, 31, 12, 0, 0, 0, taipei))
	r := query.New(exampleStore(ctx, today.Now()), query.Options{Clock: today, Location: taipei})

	records := r.All(ctx, smsplus.Filter{Template: "otp"})
	if err := query.WriteCSV(os.Stdout, records, query.Export{Location: taipei}); err != nil {
		log.Fatal(err)
	}
	// Output:
	// message_id,key,template,scenario,country_code,national_number,recipient_ids,status,channel,triggered_at,delivered_at,read_at,attempts,reason,detail,provider_id,reference,confirmed_at,recalls
	// 01890000-0000-7000-8000-000000000001,,otp,log-in,886,******678,,delivered,sms,2026-05-31T11:00:00+08:00,2026-05-31T11:00:09+08:00,,1,,,sms-9,,,
}

// exampleStore returns a store with a delivered message and a sent one, as a Dispatcher
// stores them.
func exampleStore(ctx context.Context, now time.Time) smsplus.Store {
	n, err := phone.Parse("+886912345678")
	if err != nil {
		log.Fatal(err)
	}
	triggered := now.Add(-time.Hour).UTC()
	delivered := triggered.Add(9 * time.Second)
	store := memstore.New()
	_, err = store.Insert(ctx, []smsplus.Message{
		{
			ID:       uuid.MustParse("01890000-0000-7000-8000-000000000001"),
			Template: "otp",
			Scenario: "log-in",
			To:       channel.Recipient{Phone: n},
			Attempts: []smsplus.Attempt{{
				Channel: channel.SMS, Status: status.Delivered, ProviderID: "sms-9", DeliveredAt: delivered,
			}},
			Status:      status.Delivered,
			Channel:     channel.SMS,
			TriggeredAt: triggered,
			DeliveredAt: delivered,
		},
		{
			ID:          uuid.MustParse("01890000-0000-7000-8000-000000000002"),
			Template:    "shipped",
			Scenario:    "order shipped",
			To:          channel.Recipient{Phone: n},
			Attempts:    []smsplus.Attempt{{Channel: channel.LINENotify, Status: status.Accepted}},
			Status:      status.Accepted,
			Channel:     channel.LINENotify,
			TriggeredAt: triggered,
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	return store
}
