package smpp_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/channeltest"
	"github.com/smsplus/smsplus-go/channel/sms/smpp"
	"github.com/smsplus/smsplus-go/channel/sms/smpp/pdu"
)

func TestChannel_KeepsContract(t *testing.T) {
	t.Parallel()
	with := func(reply func(*smscPeer, pdu.PDU)) channeltest.Case {
		return channeltest.Case{Channel: func(t *testing.T) channel.Channel { return newServedChannel(t, reply, nil) }}
	}
	refuses := func(s pdu.Status) channeltest.Case {
		return with(func(p *smscPeer, q pdu.PDU) {
			_ = p.tryWrite(pdu.PDU{ID: q.ID.Response(), Status: s, Sequence: q.Sequence})
		})
	}
	for name, long := range map[string]string{"one segment": "", "several": strings.Repeat(" It is a big parcel.", 20)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			channeltest.Run(t, channeltest.Harness{
				Channel: func(t *testing.T) channel.Channel { return newServedChannel(t, new(reportingSMSC).reply, nil) },
				Content: channel.Text("Your order has shipped and will arrive on Friday." + long),
				To:      to(t, "+"+digits),
				Unreachable: map[string]channeltest.Case{
					"no number":      {To: channel.Recipient{IDs: map[channel.Name]string{channel.LINEPush: "U4af4980629ba1e1d3c2f6a57c1b1c9d2"}}},
					"invalid number": refuses(pdu.RINVDSTADR),
					"not allowed":    refuses(pdu.RINVSRCADR),
					"wrong password": {Channel: func(t *testing.T) channel.Channel { return newRefusedChannel(t, pdu.RINVPASWD) }},
				},
				Faults: map[string]channeltest.Case{
					"throttled":    refuses(pdu.RTHROTTLED),
					"busy":         refuses(pdu.RSYSERR),
					"bad request":  refuses(pdu.RINVESMCLASS),
					"vendor's":     refuses(0x4A1),
					"refused bind": {Channel: func(t *testing.T) channel.Channel { return newRefusedChannel(t, pdu.RSYSERR) }},
					"unreachable": {Channel: func(t *testing.T) channel.Channel {
						m := newSMSC(t)
						m.refuses = true
						return closeAtEnd(t, m.newChannel(nil))
					}},
					"hangs up":   with(func(p *smscPeer, _ pdu.PDU) { _ = p.conn.Close() }),
					"senseless":  with(func(p *smscPeer, _ pdu.PDU) { _, _ = p.conn.Write(make([]byte, 16)) }),
					"repeats it": with(func(p *smscPeer, q pdu.PDU) { echoRefusal(p, q) }),
				},
				Stalled: with(func(*smscPeer, pdu.PDU) {}),
				BadContent: []channel.Content{
					channel.Text(""), channel.Text("\xffnot UTF-8 at all, this text"), channel.Text(strings.Repeat("too long a text ", 200)),
				},
				Secrets: []string{account, password},
				Report:  func(*testing.T, channel.Channel, string) {}, // reportingSMSC reports by itself
			})
		})
	}
}

// newServedChannel returns a channel to an SMSC that accepts the bind.
func newServedChannel(t *testing.T, reply func(*smscPeer, pdu.PDU), change func(*smpp.Config)) *smpp.Channel {
	m := newSMSC(t)
	m.serveAll(reply)
	return closeAtEnd(t, m.newChannel(func(c *smpp.Config) {
		c.ResponseTimeout, c.CloseTimeout = 5*time.Second, 100*time.Millisecond
		if change != nil {
			change(c)
		}
	}))
}

func closeAtEnd(t *testing.T, c *smpp.Channel) *smpp.Channel {
	t.Cleanup(func() { _ = c.Close() }) // the SMSC may be gone
	return c
}

// newRefusedChannel returns a channel to an SMSC that refuses the bind.
func newRefusedChannel(t *testing.T, s pdu.Status) channel.Channel {
	m := newSMSC(t)
	m.runPeers(func(p *smscPeer) {
		if q, err := p.readPDU(); err == nil {
			_ = p.tryWrite(pdu.PDU{ID: q.ID.Response(), Status: s, Sequence: q.Sequence})
		}
		_ = p.conn.Close()
	})
	return closeAtEnd(t, m.newChannel(nil))
}

// echoRefusal refuses a message and repeats all its texts.
func echoRefusal(p *smscPeer, q pdu.PDU) {
	m := q.Body.(*pdu.Message)
	_ = p.tryWrite(pdu.PDU{ID: q.ID.Response(), Status: pdu.RSUBMITFAIL, Sequence: q.Sequence, Body: &pdu.MessageResp{
		MessageID: m.Destination.Addr,
		TLVs:      pdu.TLVs{{Tag: 0x001D, Value: m.ShortMessage}},
	}})
}

// reportingSMSC accepts every message, reports it as delivered, and repeats refused
// receipts.
type reportingSMSC struct {
	taken   atomic.Int64
	reports sync.Map // by sequence number
}

func (r *reportingSMSC) reply(p *smscPeer, q pdu.PDU) {
	switch m := q.Body.(type) {
	case *pdu.Message:
		id := fmt.Sprintf("%010d", r.taken.Add(1))
		require.NoError(p.t, p.tryWrite(pdu.PDU{ID: q.ID.Response(), Sequence: q.Sequence, Body: &pdu.MessageResp{MessageID: id}}))
		if m.RegisteredDelivery != 0 {
			r.report(p, fmt.Sprintf("id:%s sub:001 dlvrd:001 stat:DELIVRD err:000 text:%s", id, m.ShortMessage[:10]))
		}
	case *pdu.MessageResp:
		if text, ok := r.reports.LoadAndDelete(q.Sequence); ok && q.Status != pdu.ROK {
			r.report(p, text.(string))
		}
	}
}

func (r *reportingSMSC) report(p *smscPeer, text string) {
	sequence := uint32(0x80000000 + r.taken.Add(1))
	r.reports.Store(sequence, text)
	_ = p.tryWrite(deliver(sequence, text)) // the test may be over
}
