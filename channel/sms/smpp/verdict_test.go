package smpp_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms/smpp"
	"github.com/smsplus/smsplus-go/channel/sms/smpp/pdu"
	"github.com/smsplus/smsplus-go/status"
)

// sendRefused returns the answer to a message that the SMSC refuses with that status.
func sendRefused(t *testing.T, change func(*smpp.Config), s pdu.Status, try int) sendAnswer {
	t.Helper()
	var a sendAnswer
	synctest.Test(t, func(t *testing.T) {
		m := newSMSC(t)
		m.serveAll(func(p *smscPeer, q pdu.PDU) { p.respond(q, s) })
		c := m.newChannel(change)
		defer closeIgnoringError(t, c)
		e := envelope("hello")
		e.Try = try
		a.Result, a.err = c.Send(t.Context(), e)
	})
	return a
}

func TestCodes_HaveVerdicts(t *testing.T) {
	t.Parallel()
	const always = 100
	for _, tt := range []struct {
		codes  []pdu.Status
		tries  int // the number of tries with a temporary error
		status status.Status
		reason status.Reason
	}{
		{[]pdu.Status{0x58, 0x14, 0x64, 0x04, 0x05}, always, 0, ""},
		{[]pdu.Status{0x08}, 3, status.Undeliverable, status.CarrierError},
		{[]pdu.Status{0x45, 0xFF}, 2, status.Undeliverable, status.CarrierError},
		{[]pdu.Status{0x400, 0x4A1, 0x4FF, 0x0C, 0x11, 0x13, 0x67, 0xFFFFFFFF}, 1, status.Undeliverable, status.CarrierError},
		{[]pdu.Status{0x0B, 0x50, 0x51}, 0, status.Undeliverable, status.InvalidNumber},
		{[]pdu.Status{0x65, 0xFE}, 0, status.Undeliverable, status.CarrierError},
		{[]pdu.Status{0x66, 0x01}, 0, status.Undeliverable, status.ContentRejected},
		{[]pdu.Status{0x0A, 0x48, 0x49, 0x15, 0x59}, 0, status.Undeliverable, status.Permission},
		{[]pdu.Status{0x0D, 0x0E, 0x0F, 0x53}, 0, status.Undeliverable, status.Authorization},
		{[]pdu.Status{0x02, 0x03, 0x06, 0x07, 0x42, 0x43, 0x54, 0x61, 0x62, 0x63, 0xC0, 0xC1, 0xC2, 0xC3, 0xC4}, 0, status.Failed, status.SystemError},
	} {
		for _, code := range tt.codes {
			for _, try := range []int{1, 2, 3, 4, 50} {
				a := sendRefused(t, nil, code, try)
				require.Zero(t, a.Result, code)
				if try <= tt.tries {
					requireFault(t, a.err, false)
				} else {
					requireRefused(t, a.err, tt.status, tt.reason)
				}
				require.ErrorContains(t, a.err, code.String())
			}
		}
	}
}

func TestCodes_AccountOverrides(t *testing.T) {
	t.Parallel()
	with := func(c *smpp.Config) {
		c.Codes = map[pdu.Status]channel.Verdict{
			pdu.RUNKNOWNERR: {Status: status.Undeliverable, Reason: status.QuotaExceeded}, // no balance
			pdu.RINVMSGID:   {Status: status.Accepted},                                    // a duplicate
			0x22:            {Status: status.Preparing, Reason: status.InDoubt},
			pdu.RINVDSTADR:  {Status: status.Preparing},
		}
	}
	requireRefused(t, sendRefused(t, with, pdu.RUNKNOWNERR, 1).err, status.Undeliverable, status.QuotaExceeded)
	requireAccepted(t, sendRefused(t, with, pdu.RINVMSGID, 1), "")
	requireFault(t, sendRefused(t, with, 0x22, 9).err, true)
	requireFault(t, sendRefused(t, with, pdu.RINVDSTADR, 9).err, false)
	requireRefused(t, sendRefused(t, with, pdu.RINVDSTTON, 9).err, status.Undeliverable, status.InvalidNumber)
}

func TestCodes_AcceptingCodeContinuesWithNextPart(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(func(c *smpp.Config) {
			c.Codes = map[pdu.Status]channel.Verdict{pdu.RINVMSGID: {Status: status.Accepted}} // a duplicate
		})
		defer closeIgnoringError(t, c)
		answers := sendAsync(t.Context(), c, envelope(strings.Repeat("a", 200)))
		p := m.acceptBind()
		p.respond(p.expect(pdu.SubmitSM), pdu.RINVMSGID)
		p.acceptSubmit(p.expect(pdu.SubmitSM), "2")
		requireAccepted(t, <-answers, "2")
	})
}

func TestCodes_AccountOverridesBindCode(t *testing.T) {
	for name, v := range map[string]channel.Verdict{
		"for now":  {Status: status.Preparing},
		"in doubt": {Status: status.Preparing, Reason: status.InDoubt},
		"nonsense": {Status: status.Accepted},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, m *scriptedSMSC) {
				c := m.newChannel(func(c *smpp.Config) { c.Codes = map[pdu.Status]channel.Verdict{pdu.RBINDFAIL: v} })
				defer closeIgnoringError(t, c)
				answers := sendAsync(context.Background(), c, envelope("hello"))
				p := m.acceptConn()
				p.respond(p.expect(pdu.BindTransceiver), pdu.RBINDFAIL)
				requireFault(t, (<-answers).err, false) // no message was written, so none is in doubt
			})
		})
	}
}
