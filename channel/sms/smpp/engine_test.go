package smpp_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms/smpp/pdu"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// A dispatcher that ends stops listening first, and then waits for its sends.
func TestEngine_EndingDispatcherLosesNoAnswer(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(nil)
		defer closeIgnoringError(t, c)
		d, err := smsplus.New(smsplus.Config{
			Store: memstore.New(), Channels: []channel.Channel{c}, NewID: uuid.New,
			Templates: []smsplus.Template{{ID: "otp", Route: []smsplus.Step{
				{Channel: channel.SMS, Content: channel.Text("Your code is {{code}}"), Wait: time.Hour},
			}}},
		})
		require.NoError(t, err)
		trigger := smsplus.Trigger{Template: "otp", To: to(t, "+"+digits), Vars: map[string]string{"code": "471108"}}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- d.Run(ctx) }()
		p := m.acceptBind()

		first, err := d.Send(t.Context(), trigger)
		require.NoError(t, err)
		q := p.expect(pdu.SubmitSM)
		require.Equal(t, "Your code is 471108", string(q.Body.(*pdu.Message).ShortMessage))
		require.Equal(t, "000000010000000R", q.Body.(*pdu.Message).ValidityPeriod)
		p.acceptSubmit(q, "00A1")
		p.write(deliver(1, "id:00A1 sub:001 dlvrd:001 stat:DELIVRD err:000 text:"))
		require.Equal(t, pdu.ROK, p.expect(pdu.DeliverSMResp).Status)
		synctest.Wait() // the receipt may be parked before the answer applies it
		message, err := d.Message(t.Context(), first)
		require.NoError(t, err)
		require.Equal(t, status.Delivered, message.Status)

		second, err := d.Send(t.Context(), trigger)
		require.NoError(t, err)
		q = p.expect(pdu.SubmitSM)
		stop()
		synctest.Wait()
		p.acceptSubmit(q, "00A2")
		require.NoError(t, <-ended)
		message, err = d.Message(t.Context(), second)
		require.NoError(t, err)
		require.Equal(t, status.Accepted, message.Status)
		require.Equal(t, "a2", message.Attempts[0].ProviderID)
	})
}
