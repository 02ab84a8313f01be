package smpp_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms/smpp"
	"github.com/smsplus/smsplus-go/channel/sms/smpp/pdu"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// abandon sends an envelope and ends the Send's context before the answer. It returns the
// request.
func abandon(t *testing.T, c *smpp.Channel, p *smscPeer, e channel.Envelope) pdu.PDU {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	answers := sendAsync(ctx, c, e)
	q := p.expect(pdu.SubmitSM)
	requireFault(t, (<-answers).err, true)
	return q
}

func TestLateAnswer_SettlesNextSendOfAttempt(t *testing.T) {
	for name, answerFirst := range map[string]bool{"before it": true, "during it": false} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, m *scriptedSMSC) {
				c := m.newChannel(func(c *smpp.Config) { c.Window = 1 })
				defer closeIgnoringError(t, c)
				sunk, stored, _ := listenAsync(t.Context(), c)
				p := m.acceptBind()
				e := envelope("hello")
				q := abandon(t, c, p, e)
				if answerFirst {
					p.acceptSubmit(q, "7")
					synctest.Wait()
				}
				e.Try = 2
				answers := sendAsync(t.Context(), c, e)
				if !answerFirst {
					synctest.Wait()
					p.acceptSubmit(q, "7")
				}
				requireAccepted(t, <-answers, "7")
				if answerFirst {
					require.Equal(t, "7", (<-sunk)[0].NewID)
					stored <- nil
				}

				next := sendAsync(t.Context(), c, envelope("hello")) // the place in the window is free
				p.acceptSubmit(p.expect(pdu.SubmitSM), "8")
				requireAccepted(t, <-next, "8")
			})
		})
	}
}

func TestLateAnswer_IsReceiptOfAttempt(t *testing.T) {
	attempt := uuid.MustParse("2cde7ef4-2982-54c4-9fa1-7091e0667cd9")
	named := channel.Receipt{Channel: channel.SMS, ProviderID: attempt.String()}
	for name, tt := range map[string]struct {
		after  time.Duration
		answer func(*smscPeer, pdu.PDU)
		want   func(channel.Receipt) channel.Receipt
	}{
		"taken": {time.Second, func(p *smscPeer, q pdu.PDU) { p.acceptSubmit(q, "00A1") }, func(r channel.Receipt) channel.Receipt {
			r.NewID, r.Status = "a1", status.Accepted
			return r
		}},
		"taken after the response time-out": {40 * time.Second, func(p *smscPeer, q pdu.PDU) { p.acceptSubmit(q, "00A1") }, func(r channel.Receipt) channel.Receipt {
			r.NewID, r.Status = "a1", status.Accepted
			return r
		}},
		"taken without an ID": {time.Second, func(p *smscPeer, q pdu.PDU) { p.acceptSubmit(q, "") }, func(r channel.Receipt) channel.Receipt {
			r.Status = status.Accepted
			return r
		}},
		"refused": {time.Second, func(p *smscPeer, q pdu.PDU) { p.respond(q, pdu.RINVDSTADR) }, func(r channel.Receipt) channel.Receipt {
			r.Status, r.Reason = status.Undeliverable, status.InvalidNumber
			r.Detail = "smpp: the late answer is 0x0b RINVDSTADR"
			return r
		}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, m *scriptedSMSC) {
				c := m.newChannel(func(c *smpp.Config) { c.EnquireInterval = time.Hour })
				defer closeIgnoringError(t, c)
				sunk, answers, _ := listenAsync(t.Context(), c)
				p := m.acceptBind()
				e := envelope("hello")
				e.AttemptID = attempt
				q := abandon(t, c, p, e)
				time.Sleep(tt.after) //nolint:forbidigo // the bubble's
				tt.answer(p, q)
				require.Equal(t, []channel.Receipt{tt.want(named)}, <-sunk)
				answers <- nil
			})
		})
	}
}

// A refusal that may pass, and a part that others follow, say nothing about the message.
func TestLateAnswer_IsNoReceiptIfItSettlesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(nil)
		defer closeIgnoringError(t, c)
		sunk, _, _ := listenAsync(t.Context(), c)
		p := m.acceptBind()
		throttled := envelope("hello")
		p.respond(abandon(t, c, p, throttled), pdu.RTHROTTLED)
		long := envelope(longText)
		p.acceptSubmit(abandon(t, c, p, long), "1")
		synctest.Wait()
		require.Empty(t, sunk)

		again := sendAsync(t.Context(), c, throttled)
		requireFault(t, (<-again).err, false)
		rest := sendAsync(t.Context(), c, long)
		p.acceptSubmit(p.expect(pdu.SubmitSM), "2")
		requireAccepted(t, <-rest, "2")
	})
}

// answerLater serves an SMSC that accepts everything, each message under the next ID, and
// answers and reports it after a while.
func answerLater(m *scriptedSMSC, taken *[]*pdu.Message, after time.Duration, id func(n int) string) {
	m.serveAll(func(p *smscPeer, q pdu.PDU) {
		message, ok := q.Body.(*pdu.Message)
		if !ok {
			return
		}
		*taken = append(*taken, message)
		n := len(*taken)
		go func() {
			time.Sleep(after) //nolint:forbidigo // the bubble's
			p.acceptSubmit(q, id(n))
			time.Sleep(time.Second) //nolint:forbidigo // the bubble's
			report := deliver(uint32(n), "id:"+id(n)+" stat:DELIVRD err:000 text:")
			report.Body.(*pdu.Message).Source = message.Destination
			p.write(report)
		}()
	})
}

// runDispatcher runs a dispatcher with one step on the channel until stop is called.
func runDispatcher(t *testing.T, c *smpp.Channel, step smsplus.Step) (d *smsplus.Dispatcher, stop func()) {
	t.Helper()
	step.Channel, step.Content = channel.SMS, channel.Text("hello")
	d, err := smsplus.New(smsplus.Config{
		Store: memstore.New(), Channels: []channel.Channel{c}, NewID: uuid.New,
		Templates: []smsplus.Template{{ID: "x", Route: []smsplus.Step{step}}},
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = d.Run(ctx) // the tests are about what the provider got
	}()
	return d, func() {
		cancel()
		<-ended
	}
}

// The engine's SendTimeout is 20 s, and the channel's ResponseTimeout is 30 s.
func TestEngine_LateAnswersDeliverFewCopies(t *testing.T) {
	for after, copies := range map[time.Duration]int{time.Second: 1, 25 * time.Second: 1, 35 * time.Second: 2, 55 * time.Second: 3} {
		for name, policy := range map[string]smsplus.Policy{"resend": smsplus.Resend, "forward": smsplus.Forward} {
			t.Run(after.String()+", "+name, func(t *testing.T) {
				inBubble(t, func(t *testing.T, m *scriptedSMSC) {
					var taken []*pdu.Message
					answerLater(m, &taken, after, func(n int) string { return "m-" + string(rune('0'+n)) })
					c := m.newChannel(nil)
					defer closeIgnoringError(t, c)
					d, stop := runDispatcher(t, c, smsplus.Step{Wait: 48 * time.Hour, InDoubt: policy})
					defer stop()
					id, err := d.Send(t.Context(), smsplus.Trigger{Template: "x", To: to(t, "+"+digits)})
					require.NoError(t, err)
					time.Sleep(time.Hour) //nolint:forbidigo // the bubble's
					message, err := d.Message(t.Context(), id)
					require.NoError(t, err)
					require.Equal(t, status.Delivered, message.Status, message.Attempts[0].Reason)
					require.Equal(t, "m1", message.Attempts[0].ProviderID)
					if policy == smsplus.Resend {
						require.LessOrEqual(t, len(taken), copies)
					} else {
						require.Len(t, taken, 1)
					}
				})
			})
		}
	}
}

// The SMSC gives all messages the same ID.
func TestEngine_ReusedIDFindsOpenMessage(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		var taken []*pdu.Message
		answerLater(m, &taken, time.Second, func(int) string { return "1" })
		c := m.newChannel(nil)
		defer closeIgnoringError(t, c)
		d, stop := runDispatcher(t, c, smsplus.Step{Wait: 48 * time.Hour})
		defer stop()
		for _, number := range []string{"+886912345670", "+886912345671", "+886912345672"} {
			id, err := d.Send(t.Context(), smsplus.Trigger{Template: "x", To: to(t, number)})
			require.NoError(t, err)
			time.Sleep(72 * time.Hour) //nolint:forbidigo // the bubble's
			message, err := d.Message(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, status.Delivered, message.Status)
		}
	})
}

// The number that a receipt names is compared, and never stored.
func TestEngine_ParksNoNumber(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	d, err := smsplus.New(smsplus.Config{Store: store})
	require.NoError(t, err)
	early := channel.Receipt{Channel: channel.SMS, ProviderID: "attempt", NewID: "1", Status: status.Delivered, To: person.Phone}
	require.NoError(t, d.Receive(t.Context(), early))
	parked, err := store.Parked(t.Context(), []channel.Ref{{Channel: channel.SMS, ProviderID: "attempt"}, {Channel: channel.SMS, ProviderID: "1"}})
	require.NoError(t, err)
	require.Len(t, parked, 2, "the attempt may have either name when it is stored")
	for _, r := range parked {
		require.Zero(t, r.To)
		require.Empty(t, r.NewID)
	}
}

// Two messages with one ID are open; the receipts come in the other order.
func TestEngine_NumberDecidesBetweenMessagesWithOneID(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(nil)
		defer closeIgnoringError(t, c)
		d, stop := runDispatcher(t, c, smsplus.Step{Wait: 48 * time.Hour})
		defer stop()
		p := m.acceptBind()
		var ids []uuid.UUID
		for _, number := range []string{"+886912345670", "+886912345671"} {
			id, err := d.Send(t.Context(), smsplus.Trigger{Template: "x", To: to(t, number)})
			require.NoError(t, err)
			p.acceptSubmit(p.expect(pdu.SubmitSM), "1")
			synctest.Wait()
			ids = append(ids, id)
		}
		report := deliver(1, "id:1 stat:UNDELIV err:001 text:")
		report.Body.(*pdu.Message).Source = pdu.Address{TON: 1, NPI: 1, Addr: "886912345670"}
		p.write(report)
		p.expect(pdu.DeliverSMResp)
		for i, want := range []status.Status{status.Undeliverable, status.Accepted} {
			message, err := d.Message(t.Context(), ids[i])
			require.NoError(t, err)
			require.Equal(t, want, message.Status)
		}
	})
}
