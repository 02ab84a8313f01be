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

// orderTest is a day and the message of one order.
type orderTest struct {
	*day
	t  *testing.T
	id uuid.UUID
}

// ship ships an order to a customer whose number has these outcomes on the channels.
func ship(t *testing.T, push, notification, sms simulated.Outcome) *orderTest {
	t.Helper()
	d, err := newDay()
	require.NoError(t, err)
	id, err := orderShipped(t.Context(), d.shop, simulated.Number(push, notification, sms), "A-1")
	require.NoError(t, err)
	s := &orderTest{d, t, id}
	s.after(0)
	return s
}

func (s *orderTest) after(how time.Duration) {
	s.t.Helper()
	require.NoError(s.t, s.advance(s.t.Context(), how))
}

// requireMessage checks the message: its status, its channel, and how many steps have
// been tried.
func (s *orderTest) requireMessage(want status.Status, on channel.Name, attempts int) {
	s.t.Helper()
	m, err := s.shop.Message(s.t.Context(), s.id)
	require.NoError(s.t, err)
	require.Equal(s.t, want, m.Status)
	require.Equal(s.t, on, m.Channel)
	require.Len(s.t, m.Attempts, attempts)
}

func TestOrder_FallsBackToSMSAfterTwoHours(t *testing.T) {
	t.Parallel()
	s := ship(t, simulated.NoContact, simulated.Silent, simulated.DeliveredLater)
	s.requireMessage(status.Accepted, channel.LINENotify, 2)
	s.after(2*time.Hour - time.Second)
	s.requireMessage(status.Accepted, channel.LINENotify, 2)
	s.after(time.Second)
	s.requireMessage(status.Accepted, channel.SMS, 3)
	s.after(2 * time.Second)
	s.requireMessage(status.Delivered, channel.SMS, 3)
}

func TestOrder_FallsBackAtSameTimeWithoutLINE(t *testing.T) {
	t.Parallel()
	s := ship(t, simulated.NoContact, simulated.NoMatch, simulated.Delivered)
	s.after(2*time.Hour - time.Second)
	s.requireMessage(status.Preparing, channel.LINENotify, 2)
	s.after(time.Second)
	s.requireMessage(status.Delivered, channel.SMS, 3)
}

func TestOrder_SendsNoSMSAfterDelivery(t *testing.T) {
	t.Parallel()
	s := ship(t, simulated.NoContact, simulated.DeliveredLater, simulated.Delivered)
	s.after(2 * time.Second)
	s.requireMessage(status.Delivered, channel.LINENotify, 2)
	s.after(72 * time.Hour)
	s.requireMessage(status.Delivered, channel.LINENotify, 2)
}

func TestOrder_CountsLateDelivery(t *testing.T) {
	t.Parallel()
	s := ship(t, simulated.NoContact, simulated.DeliveredLate, simulated.UndeliverableLater)
	s.after(2 * time.Hour)
	s.after(2 * time.Second)
	s.requireMessage(status.Undeliverable, channel.SMS, 3)
	s.after(4 * time.Hour)
	s.requireMessage(status.Delivered, channel.LINENotify, 3)
}

func TestOrder_EndsAfterSilentSMS(t *testing.T) {
	t.Parallel()
	s := ship(t, simulated.NoContact, simulated.NoMatch, simulated.Silent)
	s.after(2 * time.Hour)
	s.requireMessage(status.Accepted, channel.SMS, 3)
	s.after(48 * time.Hour)
	s.requireMessage(status.Undeliverable, channel.SMS, 3)
}

func TestOrder_SendsOneMessagePerOrder(t *testing.T) {
	t.Parallel()
	s := ship(t, simulated.Delivered, 0, 0)
	again, err := orderShipped(t.Context(), s.shop, simulated.Number(simulated.Delivered, 0, 0), "A-1")
	require.NoError(t, err)
	require.Equal(t, s.id, again)
	s.after(time.Hour)
	require.Len(t, s.providers[0].Inbox(), 1)
}
