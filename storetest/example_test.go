package storetest_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/storetest"
)

// A Model answers questions about the contract: here, what a claim changes and what an
// update with an old version does.
func ExampleModel() {
	ctx := context.Background()
	store := storetest.NewModel()
	noon := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	m := smsplus.Message{ID: uuid.UUID{1}, TriggeredAt: noon, DueAt: noon}
	if _, err := store.Insert(ctx, []smsplus.Message{m}); err != nil {
		fmt.Println(err)
		return
	}

	claimed, err := store.Claim(ctx, smsplus.Claim{Now: noon, Lease: time.Minute, Limit: 10, Holder: 7, Only: []channel.Name{""}})
	if err != nil {
		fmt.Println(err)
		return
	}
	leased := claimed.Messages[0]
	fmt.Println("due", leased.DueAt.Sub(noon), "after noon, version", leased.Version, "claims", leased.Claims, "holder", leased.Holder)

	stale, err := store.Update(ctx, []smsplus.Message{m}) // m has the version before the claim
	fmt.Println("stale:", stale, err)
	// Output:
	// due 1m0s after noon, version 1 claims 1 holder 7
	// stale: [01000000-0000-0000-0000-000000000000] <nil>
}

func ExampleFaulty() {
	store := &storetest.Faulty{Store: memstore.New()}
	store.Before = func(method string) error {
		if method == "Message" {
			return errors.New("the database is down")
		}
		return nil
	}
	_, err := store.Message(context.Background(), uuid.New())
	fmt.Println(err)
	// Output: the database is down
}
