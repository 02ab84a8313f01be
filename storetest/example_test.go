package storetest_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/storetest"
)

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
