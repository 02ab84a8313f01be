package smpp_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel/sms/smpp"
	"github.com/smsplus/smsplus-go/channel/sms/smpp/pdu"
	"github.com/smsplus/smsplus-go/status"
)

var longText = strings.Repeat("a", 200) // two parts

func TestSend_ThrottledPartIsSentAgainAlone(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(nil)
		defer closeIgnoringError(t, c)
		answers := sendAsync(t.Context(), c, envelope(longText))
		p := m.acceptBind()
		p.acceptSubmit(p.expect(pdu.SubmitSM), "1")
		second := p.expect(pdu.SubmitSM)
		start := time.Now()
		p.respond(second, pdu.RTHROTTLED)
		again := p.expect(pdu.SubmitSM)
		requireElapsed(t, start, time.Second)
		require.Equal(t, second.Body, again.Body)
		p.acceptSubmit(again, "2")
		requireAccepted(t, <-answers, "2")
	})
}

func TestSend_NextTrySendsOnlyMissingParts(t *testing.T) {
	for name, fail := range map[string]func(*scriptedSMSC, *smscPeer) *smscPeer{
		"throttled": func(_ *scriptedSMSC, p *smscPeer) *smscPeer {
			p.respond(p.expect(pdu.SubmitSM), pdu.RTHROTTLED)
			time.Sleep(500 * time.Millisecond) //nolint:forbidigo // the bubble's
			return p
		},
		"cut between the parts": func(m *scriptedSMSC, p *smscPeer) *smscPeer {
			p.hangUp()
			return m.acceptBind()
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, m *scriptedSMSC) {
				c := m.newChannel(nil)
				defer closeIgnoringError(t, c)
				e := envelope(longText)
				ctx, cancel := contextFor(t, 800*time.Millisecond)
				defer cancel()
				first := sendAsync(ctx, c, e)
				p := m.acceptBind()
				one := p.expect(pdu.SubmitSM)
				p.acceptSubmit(one, "1")
				p = fail(m, p)
				requireFault(t, (<-first).err, false)

				second := sendAsync(t.Context(), c, e)
				two := p.expect(pdu.SubmitSM)
				require.NotEqual(t, one.Body, two.Body)
				p.acceptSubmit(two, "2")
				requireAccepted(t, <-second, "2")
			})
		})
	}
}

// Each report is the state of a part; the SMSC reports whatever was asked for.
func TestPartReceipts_CountAsConfigured(t *testing.T) {
	for _, tt := range []struct {
		receipts smpp.PartReceipts
		asks     string
		id       string
		reports  []string
		want     []status.Status // of the receipts with the message's ID
	}{
		{smpp.LastPart, "001", "1003", []string{"3 DELIVRD"}, []status.Status{status.Delivered}},
		{smpp.LastPart, "001", "1003", []string{"1 DELIVRD"}, []status.Status{status.Delivered}},
		{smpp.LastPart, "001", "1003", []string{"1 REJECTD", "2 DELIVRD", "3 DELIVRD"}, []status.Status{status.Undeliverable, 0, 0}},
		{smpp.LastPart, "001", "1003", []string{"1 UNDELIV", "1 DELIVRD"}, []status.Status{status.Undeliverable, status.Delivered}},
		{smpp.FirstPart, "100", "1001", []string{"1 DELIVRD"}, []status.Status{status.Delivered}},
		{smpp.FirstPart, "100", "1001", []string{"3 EXPIRED"}, []status.Status{status.Undeliverable}},
		{smpp.EachPart, "111", "1003", []string{"3 DELIVRD", "3 DELIVRD", "1 ENROUTE", "1 DELIVRD", "2 DELIVRD"}, []status.Status{0, 0, status.Accepted, 0, status.Delivered}},
		{smpp.EachPart, "111", "1003", []string{"3 DELIVRD", "2 UNDELIV", "1 DELIVRD"}, []status.Status{0, status.Undeliverable, 0}},
	} {
		t.Run(fmt.Sprint(tt.receipts, tt.reports), func(t *testing.T) {
			inBubble(t, func(t *testing.T, m *scriptedSMSC) {
				c := m.newChannel(func(c *smpp.Config) { c.PartReceipts = tt.receipts })
				defer closeIgnoringError(t, c)
				sunk, answers, _ := listenAsync(t.Context(), c)
				p := m.acceptBind()
				send := sendAsync(t.Context(), c, envelope(strings.Repeat("a", 400)))
				var asks strings.Builder
				for i := range 3 {
					q := p.expect(pdu.SubmitSM)
					fmt.Fprint(&asks, q.Body.(*pdu.Message).RegisteredDelivery)
					p.acceptSubmit(q, fmt.Sprint(1001+i))
				}
				require.Equal(t, tt.asks, asks.String())
				requireAccepted(t, <-send, tt.id)
				for i, report := range tt.reports {
					p.write(deliver(uint32(i), "id:100"+report[:1]+" stat:"+report[2:]))
					got := (<-sunk)[0]
					require.Equal(t, tt.id, got.ProviderID)
					require.Equal(t, tt.want[i], got.Status, report)
					answers <- nil
					require.Equal(t, pdu.ROK, p.expect(pdu.DeliverSMResp).Status)
				}
			})
		})
	}
}

// The message has no ID yet, so the SMSC is asked to repeat the receipt.
func TestPartReceipts_WaitForMessageID(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(nil)
		defer closeIgnoringError(t, c)
		sunk, answers, _ := listenAsync(t.Context(), c)
		p := m.acceptBind()
		send := sendAsync(t.Context(), c, envelope(longText))
		p.acceptSubmit(p.expect(pdu.SubmitSM), "1")
		two := p.expect(pdu.SubmitSM)
		p.write(deliver(1, "id:1 stat:REJECTD"))
		require.Equal(t, pdu.RXTAPPN, p.expect(pdu.DeliverSMResp).Status)
		p.acceptSubmit(two, "2")
		requireAccepted(t, <-send, "2")
		synctest.Wait()
		p.write(deliver(1, "id:1 stat:REJECTD"))
		require.Equal(t, "2", (<-sunk)[0].ProviderID)
		answers <- nil
		require.Equal(t, pdu.ROK, p.expect(pdu.DeliverSMResp).Status)
	})
}

// Between two Sends of an attempt a receipt for a part is taken. It counts when the message
// has its ID.
func TestPartReceipts_CountBetweenSends(t *testing.T) {
	for _, tt := range []struct {
		first string
		want  status.Status // of the second part's delivery
	}{{"DELIVRD", status.Delivered}, {"REJECTD", status.Preparing}} {
		t.Run(tt.first, func(t *testing.T) {
			inBubble(t, func(t *testing.T, m *scriptedSMSC) {
				c := m.newChannel(func(c *smpp.Config) { c.PartReceipts = smpp.EachPart })
				defer closeIgnoringError(t, c)
				sunk, answers, _ := listenAsync(t.Context(), c)
				p := m.acceptBind()
				e := envelope(longText)
				ctx, cancel := context.WithCancel(t.Context())
				send := sendAsync(ctx, c, e)
				p.acceptSubmit(p.expect(pdu.SubmitSM), "1")
				two := p.expect(pdu.SubmitSM)
				cancel()
				requireFault(t, (<-send).err, true)

				p.write(deliver(1, "id:1 stat:"+tt.first))
				require.Equal(t, "1", (<-sunk)[0].ProviderID)
				answers <- nil
				require.Equal(t, pdu.ROK, p.expect(pdu.DeliverSMResp).Status)

				send = sendAsync(t.Context(), c, e)
				synctest.Wait()
				p.acceptSubmit(two, "2")
				requireAccepted(t, <-send, "2")
				p.write(deliver(2, "id:2 stat:DELIVRD"))
				got := (<-sunk)[0]
				require.Equal(t, "2", got.ProviderID)
				require.Equal(t, tt.want, got.Status, tt.first)
				answers <- nil
				require.Equal(t, pdu.ROK, p.expect(pdu.DeliverSMResp).Status)
			})
		})
	}
}
