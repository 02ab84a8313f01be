package memstore_test

import (
	"testing"

	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) smsplus.Store { return memstore.New() })
}
