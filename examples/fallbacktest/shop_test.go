package main

import (
	"context"
	"log"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/status"
)

func Example() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
	// Output:
	// 09:00:00  accepted
	//           line_push: undeliverable
	//           line_notify: accepted
	// 10:59:59  accepted
	//           line_push: undeliverable
	//           line_notify: accepted
	// 11:00:00  accepted
	//           line_push: undeliverable
	//           line_notify: accepted
	//           sms: accepted
	// 11:00:02  delivered
	//           line_push: undeliverable
	//           line_notify: accepted
	//           sms: delivered
}

// story is a day in a test, and one order's message.
type story struct {
	*day
	t  *testing.T
	id uuid.UUID
}

// ship ships an order to someone for whom the channels have these outcomes.
func ship(t *testing.T, push, notification, sms simulated.Outcome) *story {
	t.Helper()
	d, err := newDay()
	require.NoError(t, err)
	id, err := orderShipped(t.Context(), d.shop, simulated.Number(push, notification, sms), "A-1")
	require.NoError(t, err)
	s := &story{d, t, id}
	s.after(0)
	return s
}

func (s *story) after(how time.Duration) {
	s.t.Helper()
	require.NoError(s.t, s.pass(s.t.Context(), how))
}

// require proves where the message is: its status, its channel, and how many steps
// have been tried.
func (s *story) require(want status.Status, on channel.Name, attempts int) {
	s.t.Helper()
	m, err := s.shop.Message(s.t.Context(), s.id)
	require.NoError(s.t, err)
	require.Equal(s.t, want, m.Status)
	require.Equal(s.t, on, m.Channel)
	require.Len(s.t, m.Attempts, attempts)
}

func TestAnOrderFallsBackToSMSAfterTwoHours(t *testing.T) {
	t.Parallel()
	s := ship(t, simulated.NoContact, simulated.Silent, simulated.DeliveredLater)
	s.require(status.Accepted, channel.LINENotify, 2)
	s.after(2*time.Hour - time.Second)
	s.require(status.Accepted, channel.LINENotify, 2)
	s.after(time.Second)
	s.require(status.Accepted, channel.SMS, 3)
	s.after(2 * time.Second)
	s.require(status.Delivered, channel.SMS, 3)
}

func TestAPersonWithoutLINEWaitsAsLongAsOneWhoIsSilent(t *testing.T) {
	t.Parallel()
	s := ship(t, simulated.NoContact, simulated.NoMatch, simulated.Delivered)
	s.after(2*time.Hour - time.Second)
	s.require(status.Preparing, channel.LINENotify, 2)
	s.after(time.Second)
	s.require(status.Delivered, channel.SMS, 3)
}

func TestNoSMSFollowsADelivery(t *testing.T) {
	t.Parallel()
	s := ship(t, simulated.NoContact, simulated.DeliveredLater, simulated.Delivered)
	s.after(2 * time.Second)
	s.require(status.Delivered, channel.LINENotify, 2)
	s.after(72 * time.Hour)
	s.require(status.Delivered, channel.LINENotify, 2)
}

func TestALateDeliveryCountsBesideTheSMS(t *testing.T) {
	t.Parallel()
	s := ship(t, simulated.NoContact, simulated.DeliveredLate, simulated.UndeliverableLater)
	s.after(2 * time.Hour)
	s.after(2 * time.Second)
	s.require(status.Undeliverable, channel.SMS, 3)
	s.after(4 * time.Hour)
	s.require(status.Delivered, channel.LINENotify, 3)
}

func TestASilentSMSEndsTheMessage(t *testing.T) {
	t.Parallel()
	s := ship(t, simulated.NoContact, simulated.NoMatch, simulated.Silent)
	s.after(2 * time.Hour)
	s.require(status.Accepted, channel.SMS, 3)
	s.after(48 * time.Hour)
	s.require(status.Undeliverable, channel.SMS, 3)
}

func TestAnOrderIsToldOnce(t *testing.T) {
	t.Parallel()
	s := ship(t, simulated.Delivered, 0, 0)
	again, err := orderShipped(t.Context(), s.shop, simulated.Number(simulated.Delivered, 0, 0), "A-1")
	require.NoError(t, err)
	require.Equal(t, s.id, again)
	s.after(time.Hour)
	require.Len(t, s.providers[0].Inbox(), 1)
}
