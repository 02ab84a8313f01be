package main

import (
	"context"

	"github.com/smsplus/smsplus-go/memstore"
)

// memoryContest compares the engine with gochannel in both of its modes: publishers that do
// not wait, as Send does not wait for the delivery, and publishers that do. In each round
// gochannel counts with the better one of two buffers.
func memoryContest() contest {
	const callers = 8
	return contest{
		name: "memory", cpu: processCPU,
		contestants: []contestant{
			{"smsplus", func(ctx context.Context, n int, timed stopwatch) error {
				return engine{store: memstore.New(), callers: callers, batch: 1}.deliver(ctx, n, timed)
			}},
			{"gochannel 0", gochannelWith(callers, 0, false)},
			{"gochannel 1024", gochannelWith(callers, 1024, false)},
			{"waiting 0", gochannelWith(callers, 0, true)},
			{"waiting 1024", gochannelWith(callers, 1024, true)},
		},
		ratios: []ratio{
			{name: "ratio", of: "smsplus", over: []string{"gochannel 0", "gochannel 1024"}},
			{name: "to waiting", of: "smsplus", over: []string{"waiting 0", "waiting 1024"}},
		},
	}
}
