package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
	"golang.org/x/sync/errgroup"
)

// gochannelWith moves messages through watermill's pub/sub in memory, from publishers
// through an output buffer to one subscriber that acknowledges. If wait is set, each call
// of a publisher returns after the acknowledgment. It runs as favorably as its API
// allows: nothing is persisted or logged, and payloads and IDs are made in advance.
func gochannelWith(publishers int, buffer int64, wait bool) func(context.Context, int, stopwatch) error {
	return func(ctx context.Context, n int, timed stopwatch) error {
		const topic = "messages"
		pubsub := gochannel.NewGoChannel(gochannel.Config{OutputChannelBuffer: buffer, BlockPublishUntilSubscriberAck: wait}, nil)
		messages, err := pubsub.Subscribe(ctx, topic)
		if err != nil {
			return err
		}
		bodies := payloads()
		ids := make([]string, len(bodies))
		for i := range ids {
			ids[i] = strconv.Itoa(i)
		}
		err = timed(func() error {
			var group errgroup.Group
			group.Go(func() error {
				return runParallel(publishers, n, 1, func(i, _ int) error {
					return pubsub.Publish(topic, message.NewMessage(ids[i%len(ids)], bodies[i%len(bodies)]))
				})
			})
			for got := range n {
				m, open := <-messages
				if !open {
					return fmt.Errorf("%d of %d messages came: %w", got, n, context.Cause(ctx))
				}
				m.Ack()
			}
			return group.Wait()
		})
		return errors.Join(err, pubsub.Close())
	}
}
