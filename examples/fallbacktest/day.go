package main

import (
	"context"
	"time"

	"github.com/benbjohnson/clock"

	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
)

// day is the shop's Dispatcher over simulated providers. Its clock stands still until
// advance is called.
type day struct {
	clock     *clock.Mock
	providers []*simulated.Channel
	shop      *smsplus.Dispatcher
}

func newDay() (*day, error) {
	c := clock.NewMock()
	c.Set(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	line, notification, sms := simulated.LINEPush(c), simulated.LINENotify(c), simulated.SMS(c)
	shop, err := newDispatcher(memstore.New(), c, line, notification, sms)
	return &day{clock: c, providers: []*simulated.Channel{line, notification, sms}, shop: shop}, err
}

// advance moves the clock and then runs all that is due: the providers report receipts,
// and the Dispatcher ticks.
func (d *day) advance(ctx context.Context, how time.Duration) error {
	d.clock.Add(how)
	for _, p := range d.providers {
		if _, err := p.Deliver(ctx, d.shop.Receive); err != nil {
			return err
		}
	}
	_, err := d.shop.Tick(ctx)
	return err
}
