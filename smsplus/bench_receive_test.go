package smsplus_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// BenchmarkReceive is one call of Receive with many receipts of messages that are not known.
// The time for each must not depend on how many come in one call.
func BenchmarkReceive(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			rs := make([]channel.Receipt, n)
			for i := range rs {
				rs[i] = channel.Receipt{Channel: channel.WhatsApp, ProviderID: uuid.NewString(), Status: status.Delivered}
			}
			for b.Loop() {
				d, err := smsplus.New(smsplus.Config{Store: memstore.New()})
				require.NoError(b, err)
				require.NoError(b, d.Receive(b.Context(), rs...))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/receipt")
		})
	}
}
