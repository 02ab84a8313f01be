package smpp_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms/smpp"
	"github.com/smsplus/smsplus-go/channel/sms/smpp/pdu"
	"github.com/smsplus/smsplus-go/status"
)

// inBubble runs a test with an SMSC of its own, in a synctest bubble.
func inBubble(t *testing.T, test func(t *testing.T, m *scriptedSMSC)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { test(t, newSMSC(t)) })
}

// closeIgnoringError closes a channel whose SMSC is gone.
func closeIgnoringError(t *testing.T, c *smpp.Channel) {
	t.Helper()
	_ = c.Close() // other tests prove how Close ends
	synctest.Wait()
}

func TestBind_CarriesAccount(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(func(c *smpp.Config) { c.SystemType = "OTP" })
		defer closeIgnoringError(t, c)
		answers := sendAsync(t.Context(), c, envelope("hello"))
		p := m.acceptConn()
		bind := p.expect(pdu.BindTransceiver)
		require.Equal(t, &pdu.Bind{SystemID: account, Password: password, SystemType: "OTP", InterfaceVersion: 0x34}, bind.Body)
		require.EqualValues(t, 1, bind.Sequence)
		p.respond(bind, pdu.ROK)
		submit := p.expect(pdu.SubmitSM)
		require.EqualValues(t, 2, submit.Sequence)
		require.Equal(t, &pdu.Message{
			Destination: pdu.Address{TON: 1, NPI: 1, Addr: digits}, RegisteredDelivery: 1, ShortMessage: []byte("hello"),
		}, submit.Body)
		p.acceptSubmit(submit, "00A1")
		requireAccepted(t, <-answers, "a1")
	})
}

func TestNew_StartsNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(func(c *smpp.Config) {
			c.Dial = nil // a real dial would block the bubble
		})
		synctest.Wait()
		require.NoError(t, c.Close())
		require.NoError(t, c.Close(), "again")
		_, err := c.Send(t.Context(), envelope("hello"))
		requireFault(t, err, false)
		require.Error(t, c.Listen(t.Context(), nil))
	})
}

func TestListen_StartsSessions(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(nil)
		defer closeIgnoringError(t, c)
		ctx, stop := context.WithCancel(t.Context())
		heard := make(chan error)
		go func() { heard <- c.Listen(ctx, nil) }()
		p := m.acceptBind()
		stop()
		require.ErrorIs(t, <-heard, context.Canceled)

		answers := sendAsync(t.Context(), c, envelope("hello")) // the session is still there
		p.acceptSubmit(p.expect(pdu.SubmitSM), "1")
		requireAccepted(t, <-answers, "1")
	})
}

// The header alone says that a bind was refused, with or without a body.
func TestBind_RefusedIsUndeliverableAndRetriedSlowly(t *testing.T) {
	for name, body := range map[string]pdu.Body{"with a body": &pdu.BindResp{SystemID: "smsc"}, "without one": nil} {
		for _, s := range []pdu.Status{pdu.RBINDFAIL, pdu.RINVPASWD, pdu.RINVSYSID, pdu.RINVSYSTYP} {
			t.Run(name+", "+s.String(), func(t *testing.T) {
				inBubble(t, func(t *testing.T, m *scriptedSMSC) {
					c := m.newChannel(nil)
					defer closeIgnoringError(t, c)
					answers := sendAsync(t.Context(), c, envelope("hello"))
					p := m.acceptConn()
					q := p.expect(pdu.BindTransceiver)
					p.write(pdu.PDU{ID: pdu.BindTransceiverResp, Status: s, Sequence: q.Sequence, Body: body})
					p.expectEnd()
					refused := time.Now()
					a := <-answers
					requireRefused(t, a.err, status.Undeliverable, status.Authorization)

					_, err := c.Send(t.Context(), envelope("hello"))
					requireRefused(t, err, status.Undeliverable, status.Authorization)
					requireElapsed(t, refused, 0) // at once

					p = m.acceptBind()
					require.GreaterOrEqual(t, time.Since(refused), time.Minute)
					require.LessOrEqual(t, time.Since(refused), 75*time.Second)
					answers = sendAsync(t.Context(), c, envelope("hello"))
					p.acceptSubmit(p.expect(pdu.SubmitSM), "1")
					requireAccepted(t, <-answers, "1")
				})
			})
		}
	}
}

func TestBind_RefusedBindsTakeTurns(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		var binds atomic.Int64
		m.runPeers(func(p *smscPeer) {
			binds.Add(1)
			p.respond(p.expect(pdu.BindTransceiver), pdu.RINVPASWD)
			p.expectEnd()
		})
		c := m.newChannel(func(c *smpp.Config) { c.Binds = 10 })
		defer closeIgnoringError(t, c)
		_, err := c.Send(t.Context(), envelope("hello"))
		requireRefused(t, err, status.Undeliverable, status.Authorization)
		time.Sleep(time.Hour) //nolint:forbidigo // the bubble's
		synctest.Wait()
		first := binds.Load()
		time.Sleep(time.Hour) //nolint:forbidigo // the bubble's
		require.LessOrEqual(t, binds.Load()-first, int64(70), "about one a minute")
	})
}

func TestBind_TemporaryFailureIsTemporary(t *testing.T) {
	for name, fail := range map[string]func(p *smscPeer){
		"an SMSC that hangs up":   func(p *smscPeer) { p.hangUp() },
		"an SMSC that is mute":    func(p *smscPeer) { p.expect(pdu.BindTransceiver); p.expectEnd() },
		"an SMSC that is busy":    func(p *smscPeer) { p.respond(p.expect(pdu.BindTransceiver), pdu.RSYSERR); p.expectEnd() },
		"an SMSC bound elsewhere": func(p *smscPeer) { p.respond(p.expect(pdu.BindTransceiver), pdu.RALYBND); p.expectEnd() },
		"another protocol": func(p *smscPeer) {
			p.expect(pdu.BindTransceiver)
			_, err := p.conn.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
			require.NoError(p.t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, m *scriptedSMSC) {
				c := m.newChannel(nil)
				defer closeIgnoringError(t, c)
				start := time.Now()
				answers := sendAsync(t.Context(), c, envelope("hello"))
				fail(m.acceptConn())
				requireFault(t, (<-answers).err, false)
				require.LessOrEqual(t, time.Since(start), 10*time.Second, "the bind has a deadline")
				m.acceptBind()
				require.LessOrEqual(t, time.Since(start), 11*time.Second, "the first pause is short")
			})
		})
	}
}

func TestBind_NackIsRefusal(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(nil)
		defer closeIgnoringError(t, c)
		answers := sendAsync(t.Context(), c, envelope("hello"))
		p := m.acceptConn()
		q := p.expect(pdu.BindTransceiver)
		p.write(pdu.PDU{ID: pdu.EnquireLink, Sequence: 9}) // some cannot wait
		p.write(pdu.PDU{ID: pdu.GenericNack, Status: pdu.RINVCMDID, Sequence: q.Sequence})
		requireRefused(t, (<-answers).err, status.Failed, status.SystemError)
	})
}

func TestBind_PausesGrow(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		var at []time.Time
		c := m.newChannel(func(c *smpp.Config) {
			c.RebindMin, c.RebindMax = time.Second, 8*time.Second
			dial := c.Dial
			c.Dial = func(ctx context.Context, network, addr string) (conn net.Conn, err error) {
				at = append(at, time.Now())
				if len(at) > 7 {
					return dial(ctx, network, addr)
				}
				return nil, errors.New("connection refused")
			}
		})
		defer closeIgnoringError(t, c)
		_, err := c.Send(t.Context(), envelope("hello"))
		requireFault(t, err, false)
		m.acceptBind()
		for i, most := range []int{1, 2, 4, 8, 8, 8} {
			pause := at[i+1].Sub(at[i])
			require.LessOrEqual(t, pause, time.Duration(most)*time.Second)
			require.GreaterOrEqual(t, pause, time.Duration(most)*time.Second/2)
		}
	})
}

func TestSend_WaitsForBindUntilContextEnds(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(nil)
		defer closeIgnoringError(t, c)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		answers := sendAsync(ctx, c, envelope("hello"))
		p := m.acceptConn()
		q := p.expect(pdu.BindTransceiver)
		requireFault(t, (<-answers).err, false)
		requireElapsed(t, start, 3*time.Second)
		p.respond(q, pdu.ROK)
	})
}

func TestWindow_ExcessMessagesWait(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(func(c *smpp.Config) { c.Window = 2 })
		defer closeIgnoringError(t, c)
		first := sendAsync(t.Context(), c, envelope("hello"))
		p := m.acceptBind()
		one := p.expect(pdu.SubmitSM)
		second := sendAsync(t.Context(), c, envelope("hello"))
		two := p.expect(pdu.SubmitSM)

		brief, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		third := sendAsync(brief, c, envelope("hello"))
		a := <-third
		requireFault(t, a.err, false)

		third = sendAsync(t.Context(), c, envelope("hello"))
		synctest.Wait()
		p.acceptSubmit(two, "2")
		requireAccepted(t, <-second, "2")
		three := p.expect(pdu.SubmitSM)
		p.acceptSubmit(three, "3")
		p.acceptSubmit(one, "1")
		requireAccepted(t, <-third, "3")
		requireAccepted(t, <-first, "1")
	})
}

// The SMSC still has the message when its Send has ended.
func TestWindow_AbandonedMessageKeepsPlace(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(func(c *smpp.Config) { c.Window = 1 })
		defer closeIgnoringError(t, c)
		brief, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		first := sendAsync(brief, c, envelope("hello"))
		p := m.acceptBind()
		one := p.expect(pdu.SubmitSM)
		requireFault(t, (<-first).err, true)

		second := sendAsync(t.Context(), c, envelope("hello"))
		synctest.Wait()
		p.acceptSubmit(one, "1")
		p.acceptSubmit(p.expect(pdu.SubmitSM), "2")
		requireAccepted(t, <-second, "2")
	})
}

func TestSend_UnansweredIsInDoubt(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(func(c *smpp.Config) { c.ResponseTimeout, c.EnquireInterval, c.Window = 7*time.Second, time.Minute, 1 })
		defer closeIgnoringError(t, c)
		answers := sendAsync(t.Context(), c, envelope("hello"))
		p := m.acceptBind()
		start := time.Now()
		one := p.expect(pdu.SubmitSM)
		requireFault(t, (<-answers).err, true)
		requireElapsed(t, start, 7*time.Second)

		answers = sendAsync(t.Context(), c, envelope("hello")) // the link is up, and there is room again
		two := p.expect(pdu.SubmitSM)
		p.acceptSubmit(one, "1") // too late
		p.acceptSubmit(two, "2")
		requireAccepted(t, <-answers, "2")
	})
}

func TestSend_CutLinkLeavesWrittenInDoubt(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(nil)
		defer closeIgnoringError(t, c)
		var answers []<-chan sendAnswer
		answers = append(answers, sendAsync(t.Context(), c, envelope("hello")))
		p := m.acceptBind()
		p.expect(pdu.SubmitSM)
		for range 2 {
			answers = append(answers, sendAsync(t.Context(), c, envelope("hello")))
			p.expect(pdu.SubmitSM)
		}
		p.hangUp()
		for _, a := range answers {
			requireFault(t, (<-a).err, true)
		}
	})
}

// A pipe takes an octet only when the other side reads it, so the SMSC can stop anywhere.
func TestSend_UnwrittenIsTemporary(t *testing.T) {
	for name, tt := range map[string]struct {
		octets int // of the message that the SMSC reads before it hangs up; of 50
		want   bool
	}{
		"none":             {0, false},
		"all but the last": {49, false},
		"all":              {50, true},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, m *scriptedSMSC) {
				c := m.newChannel(nil)
				defer closeIgnoringError(t, c)
				first := sendAsync(t.Context(), c, envelope("hello"))
				p := m.acceptBind()
				require.Len(t, mustEncode(t, p.expect(pdu.SubmitSM)), 50)
				second := sendAsync(t.Context(), c, envelope("hello"))
				synctest.Wait() // it is being written
				third := sendAsync(t.Context(), c, envelope("hello"))
				synctest.Wait() // it is queued
				_, err := io.ReadFull(p.conn, make([]byte, tt.octets))
				require.NoError(t, err)
				p.hangUp()
				requireFault(t, (<-first).err, true)
				requireFault(t, (<-second).err, tt.want)
				requireFault(t, (<-third).err, false)
			})
		})
	}
}

func mustEncode(t *testing.T, p pdu.PDU) []byte {
	t.Helper()
	b, err := pdu.Append(nil, p)
	require.NoError(t, err)
	return b
}

func TestSend_IsWithdrawnBeforeWrite(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(nil)
		defer closeIgnoringError(t, c)
		first := sendAsync(t.Context(), c, envelope("hello"))
		p := m.acceptBind()
		synctest.Wait() // the writer waits for the SMSC to read
		brief, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		second := sendAsync(brief, c, envelope("never seen"))
		requireFault(t, (<-second).err, false)
		third := sendAsync(t.Context(), c, envelope("again"))
		synctest.Wait()

		p.acceptSubmit(p.expect(pdu.SubmitSM), "1")
		requireAccepted(t, <-first, "1")
		q := p.expect(pdu.SubmitSM)
		require.Equal(t, "again", string(q.Body.(*pdu.Message).ShortMessage))
		p.acceptSubmit(q, "3")
		requireAccepted(t, <-third, "3")
	})
}

func TestKeepAlive_EnquiresThenDropsSilentLink(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(func(c *smpp.Config) { c.EnquireInterval, c.ResponseTimeout = 20*time.Second, 5*time.Second })
		defer closeIgnoringError(t, c)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go c.Listen(ctx, nil) //nolint:errcheck // it ends with its context
		p := m.acceptBind()
		start := time.Now()
		for i := 1; i <= 3; i++ {
			q := p.expect(pdu.EnquireLink)
			requireElapsed(t, start, time.Duration(i)*20*time.Second)
			p.respond(q, pdu.ROK)
		}
		p.expect(pdu.EnquireLink)
		p.expectEnd()
		requireElapsed(t, start, 85*time.Second)
		m.acceptBind()
	})
}

func TestKeepAlive_AnyPDUIsSignOfLife(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(func(c *smpp.Config) { c.EnquireInterval, c.ResponseTimeout = 20*time.Second, 5*time.Second })
		defer closeIgnoringError(t, c)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go c.Listen(ctx, nil) //nolint:errcheck // it ends with its context
		p := m.acceptBind()
		start := time.Now()
		time.Sleep(19 * time.Second) //nolint:forbidigo // the bubble's
		p.write(pdu.PDU{ID: pdu.EnquireLink, Sequence: 5})
		require.EqualValues(t, 5, p.expect(pdu.EnquireLinkResp).Sequence)
		p.expect(pdu.EnquireLink)
		requireElapsed(t, start, 39*time.Second)
		p.write(pdu.PDU{ID: pdu.AlertNotification, Sequence: 6, Body: pdu.Raw{}}) // instead of an answer
		p.expect(pdu.EnquireLink)
		requireElapsed(t, start, 59*time.Second)
	})
}

func TestKeepAlive_SilentLinkLeavesMessagesInDoubt(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(func(c *smpp.Config) { c.EnquireInterval, c.ResponseTimeout = 5*time.Second, 30*time.Second })
		defer closeIgnoringError(t, c)
		answers := sendAsync(t.Context(), c, envelope("hello"))
		p := m.acceptBind()
		start := time.Now()
		p.expect(pdu.SubmitSM)
		p.expect(pdu.EnquireLink)
		requireElapsed(t, start, 5*time.Second)
		requireFault(t, (<-answers).err, true)
		requireElapsed(t, start, 30*time.Second)
		p.expectEnd()
		requireElapsed(t, start, 35*time.Second)
	})
}

func TestSession_DropsSMSCThatReadsNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(func(c *smpp.Config) { c.ResponseTimeout = 5 * time.Second })
		defer closeIgnoringError(t, c)
		answers := sendAsync(t.Context(), c, envelope("hello"))
		m.acceptBind()
		start := time.Now()
		requireFault(t, (<-answers).err, false)
		requireElapsed(t, start, 5*time.Second)
	})
}

// The SMSC asks faster than it reads the answers, which wait in memory.
func TestSession_CutsOffFloodOfRequests(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(nil)
		defer closeIgnoringError(t, c)
		listenAsync(t.Context(), c)
		p := m.acceptBind()
		sent := 0
		for ; sent < 100_000; sent++ {
			if p.tryWrite(pdu.PDU{ID: pdu.EnquireLink, Sequence: uint32(sent + 1)}) != nil {
				break
			}
		}
		require.Less(t, sent, 20_000)
		p.hangUp()
		m.acceptBind().hangUp()
	})
}

// A response has the sequence number of its request, even an invalid one.
func TestSession_AnswersRequests(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(nil)
		defer closeIgnoringError(t, c)
		answers := sendAsync(t.Context(), c, envelope("hello"))
		p := m.acceptBind()
		submit := p.expect(pdu.SubmitSM)
		for _, tt := range []struct {
			says pdu.PDU
			want pdu.PDU
		}{
			{pdu.PDU{ID: pdu.EnquireLink, Sequence: submit.Sequence}, pdu.PDU{ID: pdu.EnquireLinkResp, Sequence: submit.Sequence}},
			{pdu.PDU{ID: pdu.EnquireLink, Sequence: 0xFFFFFFFE}, pdu.PDU{ID: pdu.EnquireLinkResp, Sequence: 0xFFFFFFFE}},
			{pdu.PDU{ID: 0x111, Sequence: 0x80000001, Body: pdu.Raw("x")}, pdu.PDU{ID: pdu.GenericNack, Status: pdu.RINVCMDID, Sequence: 0x80000001}},
			{pdu.PDU{ID: pdu.SubmitSM, Sequence: 3, Body: &pdu.Message{}}, pdu.PDU{ID: pdu.GenericNack, Status: pdu.RINVCMDID, Sequence: 3}},
			{
				pdu.PDU{ID: pdu.DeliverSM, Sequence: 0, Body: &pdu.Message{ShortMessage: []byte("STOP")}},
				pdu.PDU{ID: pdu.DeliverSMResp, Sequence: 0, Body: &pdu.MessageResp{}},
			},
			{
				pdu.PDU{ID: pdu.DataSM, Sequence: 0xFFFFFFFF, Body: &pdu.Data{}},
				pdu.PDU{ID: pdu.DataSMResp, Sequence: 0xFFFFFFFF, Body: &pdu.MessageResp{}},
			},
			{ // cut off
				pdu.PDU{ID: pdu.DeliverSM, Sequence: 8, Body: pdu.Raw("CMT")},
				pdu.PDU{ID: pdu.DeliverSMResp, Status: pdu.RXPAPPN, Sequence: 8, Body: &pdu.MessageResp{}},
			},
		} {
			p.write(tt.says)
			got, err := p.readPDU()
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		}
		// A response without a request gets no answer, and neither does an operation without a
		// response.
		p.write(pdu.PDU{ID: 0x80000111, Sequence: 1, Body: pdu.Raw{}})
		p.write(pdu.PDU{ID: pdu.AlertNotification, Sequence: 1, Body: pdu.Raw{}})
		p.write(pdu.PDU{ID: pdu.SubmitSMResp, Sequence: 77, Body: &pdu.MessageResp{MessageID: "x"}})
		p.write(pdu.PDU{ID: pdu.GenericNack, Status: pdu.RINVCMDID})
		p.acceptSubmit(submit, "1")
		requireAccepted(t, <-answers, "1")
	})
}

func TestSession_NackAnswersItsMessage(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(nil)
		defer closeIgnoringError(t, c)
		answers := sendAsync(t.Context(), c, envelope("hello"))
		p := m.acceptBind()
		p.write(pdu.PDU{ID: pdu.GenericNack, Status: pdu.RINVCMDLEN, Sequence: p.expect(pdu.SubmitSM).Sequence})
		requireRefused(t, (<-answers).err, status.Failed, status.SystemError)

		answers = sendAsync(t.Context(), c, envelope("hello"))
		p.write(pdu.PDU{ID: pdu.GenericNack, Sequence: p.expect(pdu.SubmitSM).Sequence})
		requireFault(t, (<-answers).err, false) // a nack of success is still a nack
	})
}

func TestSession_InvalidLengthEndsIt(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(nil)
		defer closeIgnoringError(t, c)
		answers := sendAsync(t.Context(), c, envelope("hello"))
		p := m.acceptBind()
		p.expect(pdu.SubmitSM)
		_, err := p.conn.Write([]byte(strings.Repeat("\xff", 16)))
		require.NoError(t, err)
		requireFault(t, (<-answers).err, true)
		p.expectEnd()
		m.acceptBind()
	})
}

func TestUnbind_WaitsForPendingAnswers(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(nil)
		defer closeIgnoringError(t, c)
		first := sendAsync(t.Context(), c, envelope("hello"))
		p := m.acceptBind()
		submit := p.expect(pdu.SubmitSM)
		p.write(pdu.PDU{ID: pdu.Unbind, Sequence: 0xFFFFFFF0})
		synctest.Wait()
		second := sendAsync(t.Context(), c, envelope("hello")) // it waits for the next bind
		synctest.Wait()
		p.write(pdu.PDU{ID: pdu.Unbind, Sequence: 0xFFFFFFF1})
		require.Equal(t, uint32(0xFFFFFFF1), p.expect(pdu.UnbindResp).Sequence)
		p.acceptSubmit(submit, "1")
		requireAccepted(t, <-first, "1")
		require.Equal(t, uint32(0xFFFFFFF0), p.expect(pdu.UnbindResp).Sequence)
		p.expectEnd()

		p = m.acceptBind()
		p.acceptSubmit(p.expect(pdu.SubmitSM), "2")
		requireAccepted(t, <-second, "2")
	})
}

// The log says of a session that either side unbound that it was unbound.
func TestSession_EndsAsUnbound(t *testing.T) {
	for name, converse := range map[string]func(p *smscPeer){
		"by the SMSC": func(p *smscPeer) {
			p.acceptSubmit(p.expect(pdu.SubmitSM), "1")
			p.write(pdu.PDU{ID: pdu.Unbind, Sequence: 0xFFFFFFF0})
			p.expect(pdu.UnbindResp)
		},
		"by the channel, answered": func(p *smscPeer) {
			p.respond(p.expect(pdu.SubmitSM), pdu.RINVBNDSTS)
			p.respond(p.expect(pdu.Unbind), pdu.ROK)
		},
		"by the channel, unanswered": func(p *smscPeer) {
			p.respond(p.expect(pdu.SubmitSM), pdu.RINVBNDSTS)
			p.expect(pdu.Unbind)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, m *scriptedSMSC) {
				var log bytes.Buffer
				c := m.newChannel(func(c *smpp.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
				defer closeIgnoringError(t, c)
				sendAsync(t.Context(), c, envelope("hello"))
				p := m.acceptBind()
				converse(p)
				p.expectEnd()
				synctest.Wait()
				require.Contains(t, log.String(), `msg="smpp: session ended"`)
				require.Contains(t, log.String(), `error="smpp: unbound"`)
			})
		})
	}
}

// A receiver's only request is the enquire_link, so no refused message shows that the SMSC
// has lost the session.
func TestSession_RebindsWhenAnyAnswerSaysUnbound(t *testing.T) {
	for _, answer := range []pdu.ID{pdu.EnquireLinkResp, pdu.GenericNack} {
		t.Run(answer.String(), func(t *testing.T) {
			inBubble(t, func(t *testing.T, m *scriptedSMSC) {
				c := m.newChannel(func(c *smpp.Config) { c.BindPairs = true })
				defer closeIgnoringError(t, c)
				listenAsync(t.Context(), c)
				var receivers atomic.Int64
				rebound := make(chan struct{})
				m.runPeers(func(p *smscPeer) {
					for {
						q, err := p.readPDU()
						if err != nil {
							return
						}
						reply := pdu.PDU{ID: q.ID.Response(), Sequence: q.Sequence}
						switch {
						case q.ID == pdu.BindReceiver:
							if receivers.Add(1) == 2 {
								close(rebound)
							}
						case q.ID == pdu.EnquireLink && receivers.Load() == 1:
							reply.ID, reply.Status = answer, pdu.RINVBNDSTS
						}
						if p.tryWrite(reply) != nil || q.ID == pdu.Unbind {
							return
						}
					}
				})
				select {
				case <-rebound:
				case <-time.After(5 * time.Minute):
					require.Fail(t, "the receiver was not bound again")
				}
			})
		})
	}
}

// Some SMSCs begin to deliver before they answer the bind.
func TestBind_ServesWhatComesBeforeItsAnswer(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(nil)
		defer closeIgnoringError(t, c)
		sunk, answers, _ := listenAsync(t.Context(), c)
		p := m.acceptConn()
		q := p.expect(pdu.BindTransceiver)
		p.write(deliver(7, "id:1 stat:DELIVRD"))
		p.write(pdu.PDU{ID: pdu.EnquireLink, Sequence: 8})
		p.write(pdu.PDU{ID: pdu.DeliverSM, Sequence: 9, Body: pdu.Raw("\x00")})
		p.respond(q, pdu.ROK)
		require.EqualValues(t, 8, p.expect(pdu.EnquireLinkResp).Sequence)
		require.Equal(t, pdu.RXPAPPN, p.expect(pdu.DeliverSMResp).Status, "it is cut off")
		require.Equal(t, "1", (<-sunk)[0].ProviderID)
		answers <- nil
		require.EqualValues(t, 7, p.expect(pdu.DeliverSMResp).Sequence)
	})
}

func TestBind_KeepsFewRequestsBeforeItsAnswer(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(nil)
		defer closeIgnoringError(t, c)
		listenAsync(t.Context(), c)
		p := m.acceptConn()
		p.expect(pdu.BindTransceiver)
		for range 101 {
			p.write(pdu.PDU{ID: pdu.EnquireLink, Sequence: 1})
		}
		p.expectEnd()
		m.acceptBind()
	})
}

func TestSession_RebindsWhenSMSCSaysUnbound(t *testing.T) {
	for _, s := range []pdu.Status{pdu.RINVBNDSTS, pdu.RALYBND} {
		t.Run(s.String(), func(t *testing.T) {
			inBubble(t, func(t *testing.T, m *scriptedSMSC) {
				c := m.newChannel(nil)
				defer closeIgnoringError(t, c)
				answers := sendAsync(t.Context(), c, envelope("hello"))
				p := m.acceptBind()
				p.respond(p.expect(pdu.SubmitSM), s)
				requireFault(t, (<-answers).err, false)
				start := time.Now()
				p.expect(pdu.Unbind) // and no answer
				p.expectEnd()
				requireElapsed(t, start, 30*time.Second)
				m.acceptBind()
			})
		})
	}
}

func TestClose_WaitsForAnswersAndUnbinds(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(nil)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		heard := make(chan error, 1)
		go func() { heard <- c.Listen(ctx, nil) }()
		p := m.acceptBind()
		first := sendAsync(t.Context(), c, envelope("hello"))
		submit := p.expect(pdu.SubmitSM)
		closed := make(chan error, 1)
		go func() { closed <- c.Close() }()
		require.Error(t, <-heard)
		synctest.Wait()
		_, err := c.Send(t.Context(), envelope("hello"))
		requireFault(t, err, false)
		p.acceptSubmit(submit, "1")
		requireAccepted(t, <-first, "1")
		p.respond(p.expect(pdu.Unbind), pdu.ROK)
		require.NoError(t, <-closed)
		p.expectEnd()
	})
}

func TestClose_CutsSlowSessions(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(func(c *smpp.Config) { c.CloseTimeout, c.Binds = 3*time.Second, 3 })
		start := time.Now()
		answers := sendAsync(t.Context(), c, envelope("hello"))
		p := m.acceptBind()
		p.expect(pdu.SubmitSM)
		m.acceptBind()
		m.acceptConn() // and no bind of the third
		closed := make(chan error, 1)
		go func() { closed <- c.Close() }()
		requireFault(t, (<-answers).err, true)
		require.ErrorContains(t, <-closed, "3s")
		requireElapsed(t, start, 3*time.Second)
	})
}

func TestClose_EndsWaitingSendsWithoutBind(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(nil)
		answers := sendAsync(t.Context(), c, envelope("hello"))
		m.acceptConn().expect(pdu.BindTransceiver)
		require.NoError(t, c.Close())
		requireFault(t, (<-answers).err, false)
	})
}

func TestSession_LostIsBoundAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(nil)
		defer closeIgnoringError(t, c)
		var pauses []time.Duration
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go c.Listen(ctx, nil) //nolint:errcheck // it ends with its context
		p := m.acceptBind()
		for range 4 {
			cut := time.Now()
			p.hangUp()
			synctest.Wait()
			answers := sendAsync(t.Context(), c, envelope("hello")) // it waits
			p = m.acceptBind()
			pauses = append(pauses, time.Since(cut))
			p.acceptSubmit(p.expect(pdu.SubmitSM), "1")
			requireAccepted(t, <-answers, "1")
		}
		require.LessOrEqual(t, pauses[0], time.Second)
		require.GreaterOrEqual(t, pauses[3], 4*time.Second, "a session that does not last is not a success")

		for range 3 { // half a minute apart
			p.respond(p.expect(pdu.EnquireLink), pdu.ROK)
		}
		cut := time.Now()
		p.hangUp()
		m.acceptBind()
		require.LessOrEqual(t, time.Since(cut), time.Second, "one that lasted is")
	})
}

func TestBindPairs_SendAndReceiveOverSessionsOfTheirOwn(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(func(c *smpp.Config) { c.BindPairs = true })
		defer closeIgnoringError(t, c)
		sunk, answers, _ := listenAsync(t.Context(), c)
		peers := make(map[pdu.ID]*smscPeer)
		for range 2 {
			p := m.acceptConn()
			q, err := p.readPDU()
			require.NoError(t, err)
			require.Equal(t, account, q.Body.(*pdu.Bind).SystemID)
			peers[q.ID] = p
			p.respond(q, pdu.ROK)
		}
		sender, receiver := peers[pdu.BindTransmitter], peers[pdu.BindReceiver]
		require.NotNil(t, sender)
		require.NotNil(t, receiver)
		for range 3 {
			a := sendAsync(t.Context(), c, envelope("hello"))
			sender.acceptSubmit(sender.expect(pdu.SubmitSM), "1")
			requireAccepted(t, <-a, "1")
		}
		receiver.write(deliver(1, "id:1 stat:DELIVRD"))
		require.Equal(t, status.Delivered, (<-sunk)[0].Status)
		answers <- nil
		receiver.expect(pdu.DeliverSMResp)
	})
}

// The receiver's bind is up, and carries no messages.
func TestBindPairs_RefusedTransmitterRefusesMessages(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		m.runPeers(func(p *smscPeer) {
			q, err := p.readPDU()
			if err == nil && q.ID == pdu.BindTransmitter {
				_ = p.tryWrite(pdu.PDU{ID: q.ID.Response(), Status: pdu.RINVPASWD, Sequence: q.Sequence})
				_ = p.conn.Close()
				return
			}
			if err == nil && p.tryWrite(pdu.PDU{ID: q.ID.Response(), Sequence: q.Sequence}) == nil {
				p.serveRequests(func(*smscPeer, pdu.PDU) {})
			}
		})
		c := m.newChannel(func(c *smpp.Config) { c.BindPairs = true })
		defer closeIgnoringError(t, c)
		_, err := c.Send(t.Context(), envelope("hello"))
		requireRefused(t, err, status.Undeliverable, status.Authorization)
	})
}

func TestBinds_ShareMessages(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(func(c *smpp.Config) { c.Binds, c.Window = 3, 2 })
		defer closeIgnoringError(t, c)
		var answers []<-chan sendAnswer
		answers = append(answers, sendAsync(t.Context(), c, envelope("hello")))
		peers := []*smscPeer{m.acceptBind(), m.acceptBind(), m.acceptBind()}
		for range 5 {
			synctest.Wait()
			answers = append(answers, sendAsync(t.Context(), c, envelope("hello")))
		}
		for _, p := range peers {
			p.acceptSubmit(p.expect(pdu.SubmitSM), "1")
			p.acceptSubmit(p.expect(pdu.SubmitSM), "1")
		}
		for _, a := range answers {
			requireAccepted(t, <-a, "1")
		}
	})
}

func TestBinds_ShareSequentialMessages(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		var mu sync.Mutex
		took := make(map[*smscPeer]int)
		m.serveAll(func(p *smscPeer, q pdu.PDU) {
			p.acceptSubmit(q, "1")
			mu.Lock()
			defer mu.Unlock()
			took[p]++
		})
		c := m.newChannel(func(c *smpp.Config) { c.Binds = 3 })
		defer closeIgnoringError(t, c)
		for range 30 {
			synctest.Wait()
			_, err := c.Send(t.Context(), envelope("hello"))
			require.NoError(t, err)
		}
		mu.Lock()
		defer mu.Unlock()
		require.Len(t, took, 3)
		for _, n := range took {
			require.GreaterOrEqual(t, n, 9)
		}
	})
}

func TestBinds_FailingOneStopsNoOther(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(func(c *smpp.Config) { c.Binds = 2 })
		defer closeIgnoringError(t, c)
		answers := sendAsync(t.Context(), c, envelope("hello"))
		one, two := m.acceptConn(), m.acceptConn()
		one.respond(one.expect(pdu.BindTransceiver), pdu.RBINDFAIL)
		one.expectEnd()
		synctest.Wait() // the send waits for the other
		two.respond(two.expect(pdu.BindTransceiver), pdu.ROK)
		two.acceptSubmit(two.expect(pdu.SubmitSM), "1")
		requireAccepted(t, <-answers, "1")
	})
}

var _ channel.Listener = (*smpp.Channel)(nil)

// earlyAnsweringConn is a connection to an SMSC that answers a message before the write of
// the message has returned. The write returns when the test allows it.
type earlyAnsweringConn struct {
	net.Conn
	smsc *smscPeer
	hold chan struct{}
}

func (e *earlyAnsweringConn) Write(b []byte) (int, error) {
	h, err := pdu.ParseHeader(b)
	if err != nil || h.ID != pdu.SubmitSM {
		return e.Conn.Write(b)
	}
	e.smsc.acceptSubmit(pdu.PDU{Sequence: h.Sequence}, "1")
	<-e.hold
	return len(b), nil
}

func TestSend_AnswerMayPrecedeEndOfWrite(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		hold := make(chan struct{})
		c := m.newChannel(func(c *smpp.Config) {
			c.Dial = func(context.Context, string, string) (net.Conn, error) {
				here, there := net.Pipe()
				p := &smscPeer{t, there}
				go func() { p.respond(p.expect(pdu.BindTransceiver), pdu.ROK) }()
				return &earlyAnsweringConn{here, p, hold}, nil
			}
		})
		defer closeIgnoringError(t, c)
		defer close(hold)
		requireAccepted(t, <-sendAsync(t.Context(), c, envelope("hello")), "1")
	})
}

// A carrier with two hosts takes an account at either. Its receipts come over any session.
func TestDial_MayChooseAnotherHost(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		var hosts []string
		firstIsDown := false
		c := m.newChannel(func(c *smpp.Config) {
			c.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
				if firstIsDown {
					addr = "second.test:2775"
				}
				hosts = append(hosts, addr)
				return m.dial(ctx, network, addr)
			}
		})
		defer closeIgnoringError(t, c)
		sunk, answers, _ := listenAsync(t.Context(), c)
		sent := sendAsync(t.Context(), c, envelope("hello"))
		p := m.acceptBind()
		p.acceptSubmit(p.expect(pdu.SubmitSM), "1")
		requireAccepted(t, <-sent, "1")
		firstIsDown = true
		p.hangUp()
		p = m.acceptBind()
		p.write(deliver(1, "id:1 stat:DELIVRD"))
		require.Equal(t, "1", (<-sunk)[0].ProviderID)
		answers <- nil
		p.expect(pdu.DeliverSMResp)
		require.Equal(t, []string{"smsc.test:2775", "second.test:2775"}, hosts)
	})
}
