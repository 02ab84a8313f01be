package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
	"golang.org/x/sync/errgroup"

	"github.com/smsplus/smsplus-go/phone"
)

// gochannelWith moves messages through watermill's pub/sub in memory, with an
// output buffer of that size: senders publishers, and one subscriber that
// acknowledges. Where publishers wait, each call returns after the acknowledgment.
// It runs as favorably as its API allows: nothing is persisted or logged, and
// neither payloads nor IDs cost the publishers anything to make up.
func gochannelWith(buffer int64, wait bool) func(context.Context, int, []phone.Number, stopwatch) error {
	return func(ctx context.Context, n int, to []phone.Number, timed stopwatch) error {
		const topic = "messages"
		pubsub := gochannel.NewGoChannel(gochannel.Config{OutputChannelBuffer: buffer, BlockPublishUntilSubscriberAck: wait}, nil)
		messages, err := pubsub.Subscribe(ctx, topic)
		if err != nil {
			return err
		}
		payloads, ids := make([]message.Payload, len(to)), make([]string, len(to))
		for i, number := range to {
			payloads[i] = fmt.Appendf(nil, `{"template":"otp","to":%q,"vars":{"code":"498172"}}`, number.E164())
			ids[i] = strconv.Itoa(i)
		}
		err = timed(func() error {
			var group errgroup.Group
			for s := range senders {
				group.Go(func() error {
					for i := s; i < n; i += senders {
						m := message.NewMessage(ids[i%len(ids)], payloads[i%len(payloads)])
						if err := pubsub.Publish(topic, m); err != nil {
							return err
						}
					}
					return nil
				})
			}
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
