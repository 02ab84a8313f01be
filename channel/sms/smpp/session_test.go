package smpp_test

import (
	"context"
	"errors"
	"io"
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

// bubble runs a test with an SMSC of its own, in a bubble of time.
func bubble(t *testing.T, test func(t *testing.T, m *smsc)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { test(t, newSMSC(t)) })
}

// over closes a channel whose SMSC is no longer there.
func over(t *testing.T, c *smpp.Channel) {
	t.Helper()
	_ = c.Close() // how it ends is for other tests
	synctest.Wait()
}

func TestTheBindSaysWhoIsThere(t *testing.T) {
	bubble(t, func(t *testing.T, m *smsc) {
		c := m.channel(func(c *smpp.Config) { c.SystemType = "OTP" })
		defer over(t, c)
		answers := send(t.Context(), c, envelope(t, "hello"))
		p := m.accept()
		bind := p.expect(pdu.BindTransceiver)
		require.Equal(t, &pdu.Bind{SystemID: account, Password: password, SystemType: "OTP", InterfaceVersion: 0x34}, bind.Body)
		require.EqualValues(t, 1, bind.Sequence)
		p.answer(bind, pdu.ROK)
		submit := p.expect(pdu.SubmitSM)
		require.EqualValues(t, 2, submit.Sequence)
		require.Equal(t, &pdu.Message{
			Destination: pdu.Address{TON: 1, NPI: 1, Addr: digits}, RegisteredDelivery: 1, ShortMessage: []byte("hello"),
		}, submit.Body)
		p.take(submit, "00A1")
		requireAccepted(t, <-answers, "a1")
	})
}

func TestNewStartsNothing(t *testing.T) {
	bubble(t, func(t *testing.T, m *smsc) {
		c := m.channel(func(c *smpp.Config) {
			c.Dial = nil // nobody would dial in a bubble and live
		})
		synctest.Wait()
		require.NoError(t, c.Close())
		require.NoError(t, c.Close(), "again")
		_, err := c.Send(t.Context(), envelope(t, "hello"))
		requireFault(t, err, false)
		require.Error(t, c.Listen(t.Context(), nil))
	})
}

func TestListeningStartsTheSessions(t *testing.T) {
	bubble(t, func(t *testing.T, m *smsc) {
		c := m.channel(nil)
		defer over(t, c)
		ctx, stop := context.WithCancel(t.Context())
		heard := make(chan error)
		go func() { heard <- c.Listen(ctx, nil) }()
		p := m.bound()
		stop()
		require.ErrorIs(t, <-heard, context.Canceled)

		answers := send(t.Context(), c, envelope(t, "hello")) // the session is still there
		p.take(p.expect(pdu.SubmitSM), "1")
		requireAccepted(t, <-answers, "1")
	})
}

// A refusal is read from the header, whether a body comes with it or not.
func TestARefusedBindIsUndeliverableAndTriedAgainSlowly(t *testing.T) {
	for name, body := range map[string]pdu.Body{"with a body": &pdu.BindResp{SystemID: "smsc"}, "without one": nil} {
		for _, s := range []pdu.Status{pdu.RBINDFAIL, pdu.RINVPASWD, pdu.RINVSYSID, pdu.RINVSYSTYP} {
			t.Run(name+", "+s.String(), func(t *testing.T) {
				bubble(t, func(t *testing.T, m *smsc) {
					c := m.channel(nil)
					defer over(t, c)
					answers := send(t.Context(), c, envelope(t, "hello"))
					p := m.accept()
					q := p.expect(pdu.BindTransceiver)
					p.say(pdu.PDU{ID: pdu.BindTransceiverResp, Status: s, Sequence: q.Sequence, Body: body})
					p.ended()
					refused := time.Now()
					a := <-answers
					requireRefused(t, a.err, status.Undeliverable, status.Authorization)

					_, err := c.Send(t.Context(), envelope(t, "hello"))
					requireRefused(t, err, status.Undeliverable, status.Authorization)
					within(t, refused, 0) // at once

					p = m.bound()
					require.GreaterOrEqual(t, time.Since(refused), time.Minute)
					require.LessOrEqual(t, time.Since(refused), 75*time.Second)
					answers = send(t.Context(), c, envelope(t, "hello"))
					p.take(p.expect(pdu.SubmitSM), "1")
					requireAccepted(t, <-answers, "1")
				})
			})
		}
	}
}

func TestBindsThatAreRefusedTakeTurns(t *testing.T) {
	bubble(t, func(t *testing.T, m *smsc) {
		var binds atomic.Int64
		m.run(func(p *peer) {
			binds.Add(1)
			p.answer(p.expect(pdu.BindTransceiver), pdu.RINVPASWD)
			p.ended()
		})
		c := m.channel(func(c *smpp.Config) { c.Binds = 10 })
		defer over(t, c)
		_, err := c.Send(t.Context(), envelope(t, "hello"))
		requireRefused(t, err, status.Undeliverable, status.Authorization)
		time.Sleep(time.Hour) //nolint:forbidigo // the bubble's
		synctest.Wait()
		first := binds.Load()
		time.Sleep(time.Hour) //nolint:forbidigo // the bubble's
		require.LessOrEqual(t, binds.Load()-first, int64(70), "about one a minute")
	})
}

func TestABindThatFailsForNowIsTemporary(t *testing.T) {
	for name, fail := range map[string]func(p *peer){
		"an SMSC that hangs up":   func(p *peer) { p.hangUp() },
		"an SMSC that is mute":    func(p *peer) { p.expect(pdu.BindTransceiver); p.ended() },
		"an SMSC that is busy":    func(p *peer) { p.answer(p.expect(pdu.BindTransceiver), pdu.RSYSERR); p.ended() },
		"an SMSC bound elsewhere": func(p *peer) { p.answer(p.expect(pdu.BindTransceiver), pdu.RALYBND); p.ended() },
		"another protocol": func(p *peer) {
			p.expect(pdu.BindTransceiver)
			_, err := p.conn.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
			require.NoError(p.t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, m *smsc) {
				c := m.channel(nil)
				defer over(t, c)
				start := time.Now()
				answers := send(t.Context(), c, envelope(t, "hello"))
				fail(m.accept())
				requireFault(t, (<-answers).err, false)
				require.LessOrEqual(t, time.Since(start), 10*time.Second, "the bind has a deadline")
				m.bound()
				require.LessOrEqual(t, time.Since(start), 11*time.Second, "the first pause is short")
			})
		})
	}
}

func TestARefusedCommandIsReadFromItsNack(t *testing.T) {
	bubble(t, func(t *testing.T, m *smsc) {
		c := m.channel(nil)
		defer over(t, c)
		answers := send(t.Context(), c, envelope(t, "hello"))
		p := m.accept()
		q := p.expect(pdu.BindTransceiver)
		p.say(pdu.PDU{ID: pdu.EnquireLink, Sequence: 9}) // some cannot wait
		p.say(pdu.PDU{ID: pdu.GenericNack, Status: pdu.RINVCMDID, Sequence: q.Sequence})
		requireRefused(t, (<-answers).err, status.Failed, status.SystemError)
	})
}

func TestPausesBetweenBindsGrow(t *testing.T) {
	bubble(t, func(t *testing.T, m *smsc) {
		var at []time.Time
		c := m.channel(func(c *smpp.Config) {
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
		defer over(t, c)
		_, err := c.Send(t.Context(), envelope(t, "hello"))
		requireFault(t, err, false)
		m.bound()
		for i, most := range []int{1, 2, 4, 8, 8, 8} {
			pause := at[i+1].Sub(at[i])
			require.LessOrEqual(t, pause, time.Duration(most)*time.Second)
			require.GreaterOrEqual(t, pause, time.Duration(most)*time.Second/2)
		}
	})
}

func TestASendWaitsForTheBindUntilItsContextEnds(t *testing.T) {
	bubble(t, func(t *testing.T, m *smsc) {
		c := m.channel(nil)
		defer over(t, c)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		answers := send(ctx, c, envelope(t, "hello"))
		p := m.accept()
		q := p.expect(pdu.BindTransceiver)
		requireFault(t, (<-answers).err, false)
		within(t, start, 3*time.Second)
		p.answer(q, pdu.ROK)
	})
}

func TestMessagesBeyondTheWindowWait(t *testing.T) {
	bubble(t, func(t *testing.T, m *smsc) {
		c := m.channel(func(c *smpp.Config) { c.Window = 2 })
		defer over(t, c)
		first := send(t.Context(), c, envelope(t, "hello"))
		p := m.bound()
		one := p.expect(pdu.SubmitSM)
		second := send(t.Context(), c, envelope(t, "hello"))
		two := p.expect(pdu.SubmitSM)

		brief, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		third := send(brief, c, envelope(t, "hello"))
		a := <-third
		requireFault(t, a.err, false)

		third = send(t.Context(), c, envelope(t, "hello"))
		synctest.Wait()
		p.take(two, "2")
		requireAccepted(t, <-second, "2")
		three := p.expect(pdu.SubmitSM)
		p.take(three, "3")
		p.take(one, "1")
		requireAccepted(t, <-third, "3")
		requireAccepted(t, <-first, "1")
	})
}

// The SMSC still has a message that its sender no longer waits for.
func TestAnAbandonedMessageKeepsItsPlaceInTheWindow(t *testing.T) {
	bubble(t, func(t *testing.T, m *smsc) {
		c := m.channel(func(c *smpp.Config) { c.Window = 1 })
		defer over(t, c)
		brief, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		first := send(brief, c, envelope(t, "hello"))
		p := m.bound()
		one := p.expect(pdu.SubmitSM)
		requireFault(t, (<-first).err, true)

		second := send(t.Context(), c, envelope(t, "hello"))
		synctest.Wait()
		p.take(one, "1")
		p.take(p.expect(pdu.SubmitSM), "2")
		requireAccepted(t, <-second, "2")
	})
}

func TestAMessageWithoutAnAnswerIsInDoubt(t *testing.T) {
	bubble(t, func(t *testing.T, m *smsc) {
		c := m.channel(func(c *smpp.Config) { c.ResponseTimeout, c.EnquireInterval, c.Window = 7*time.Second, time.Minute, 1 })
		defer over(t, c)
		answers := send(t.Context(), c, envelope(t, "hello"))
		p := m.bound()
		start := time.Now()
		one := p.expect(pdu.SubmitSM)
		requireFault(t, (<-answers).err, true)
		within(t, start, 7*time.Second)

		answers = send(t.Context(), c, envelope(t, "hello")) // the link is up, and there is room again
		two := p.expect(pdu.SubmitSM)
		p.take(one, "1") // too late
		p.take(two, "2")
		requireAccepted(t, <-answers, "2")
	})
}

func TestALinkThatIsCutLeavesWhatWasWrittenInDoubt(t *testing.T) {
	bubble(t, func(t *testing.T, m *smsc) {
		c := m.channel(nil)
		defer over(t, c)
		var answers []<-chan answer
		answers = append(answers, send(t.Context(), c, envelope(t, "hello")))
		p := m.bound()
		p.expect(pdu.SubmitSM)
		for range 2 {
			answers = append(answers, send(t.Context(), c, envelope(t, "hello")))
			p.expect(pdu.SubmitSM)
		}
		p.hangUp()
		for _, a := range answers {
			requireFault(t, (<-a).err, true)
		}
	})
}

// A pipe takes an octet when the other side reads it, so the SMSC can stop anywhere.
func TestWhatTheConnectionDidNotTakeIsTemporary(t *testing.T) {
	for name, tt := range map[string]struct {
		octets int // of the message that the SMSC reads before it hangs up; of 50
		want   bool
	}{
		"none":             {0, false},
		"all but the last": {49, false},
		"all":              {50, true},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, m *smsc) {
				c := m.channel(nil)
				defer over(t, c)
				first := send(t.Context(), c, envelope(t, "hello"))
				p := m.bound()
				require.Len(t, wire(t, p.expect(pdu.SubmitSM)), 50)
				second := send(t.Context(), c, envelope(t, "hello"))
				synctest.Wait() // it is being written
				third := send(t.Context(), c, envelope(t, "hello"))
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

func wire(t *testing.T, p pdu.PDU) []byte {
	t.Helper()
	b, err := pdu.Append(nil, p)
	require.NoError(t, err)
	return b
}

func TestASendThatEndsBeforeItIsWrittenIsTakenBack(t *testing.T) {
	bubble(t, func(t *testing.T, m *smsc) {
		c := m.channel(nil)
		defer over(t, c)
		first := send(t.Context(), c, envelope(t, "hello"))
		p := m.bound()
		synctest.Wait() // the writer waits for the SMSC to read
		brief, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		second := send(brief, c, envelope(t, "never seen"))
		requireFault(t, (<-second).err, false)
		third := send(t.Context(), c, envelope(t, "again"))
		synctest.Wait()

		p.take(p.expect(pdu.SubmitSM), "1")
		requireAccepted(t, <-first, "1")
		q := p.expect(pdu.SubmitSM)
		require.Equal(t, "again", string(q.Body.(*pdu.Message).ShortMessage))
		p.take(q, "3")
		requireAccepted(t, <-third, "3")
	})
}

func TestASilentLinkIsAskedAndThenDropped(t *testing.T) {
	bubble(t, func(t *testing.T, m *smsc) {
		c := m.channel(func(c *smpp.Config) { c.EnquireInterval, c.ResponseTimeout = 20*time.Second, 5*time.Second })
		defer over(t, c)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go c.Listen(ctx, nil) //nolint:errcheck // it ends with its context
		p := m.bound()
		start := time.Now()
		for i := 1; i <= 3; i++ {
			q := p.expect(pdu.EnquireLink)
			within(t, start, time.Duration(i)*20*time.Second)
			p.answer(q, pdu.ROK)
		}
		p.expect(pdu.EnquireLink)
		p.ended()
		within(t, start, 85*time.Second)
		m.bound()
	})
}

func TestAnythingThatTheSMSCSaysIsASignOfLife(t *testing.T) {
	bubble(t, func(t *testing.T, m *smsc) {
		c := m.channel(func(c *smpp.Config) { c.EnquireInterval, c.ResponseTimeout = 20*time.Second, 5*time.Second })
		defer over(t, c)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go c.Listen(ctx, nil) //nolint:errcheck // it ends with its context
		p := m.bound()
		start := time.Now()
		time.Sleep(19 * time.Second) //nolint:forbidigo // the bubble's
		p.say(pdu.PDU{ID: pdu.EnquireLink, Sequence: 5})
		require.EqualValues(t, 5, p.expect(pdu.EnquireLinkResp).Sequence)
		p.expect(pdu.EnquireLink)
		within(t, start, 39*time.Second)
		p.say(pdu.PDU{ID: pdu.AlertNotification, Sequence: 6, Body: pdu.Raw{}}) // instead of an answer
		p.expect(pdu.EnquireLink)
		within(t, start, 59*time.Second)
	})
}

func TestASilentLinkLeavesItsMessagesInDoubt(t *testing.T) {
	bubble(t, func(t *testing.T, m *smsc) {
		c := m.channel(func(c *smpp.Config) { c.EnquireInterval, c.ResponseTimeout = 5*time.Second, 30*time.Second })
		defer over(t, c)
		answers := send(t.Context(), c, envelope(t, "hello"))
		p := m.bound()
		start := time.Now()
		p.expect(pdu.SubmitSM)
		p.expect(pdu.EnquireLink)
		within(t, start, 5*time.Second)
		requireFault(t, (<-answers).err, true)
		within(t, start, 30*time.Second)
		p.ended()
		within(t, start, 35*time.Second)
	})
}

func TestAnSMSCThatReadsNothingIsDropped(t *testing.T) {
	bubble(t, func(t *testing.T, m *smsc) {
		c := m.channel(func(c *smpp.Config) { c.ResponseTimeout = 5 * time.Second })
		defer over(t, c)
		answers := send(t.Context(), c, envelope(t, "hello"))
		m.bound()
		start := time.Now()
		requireFault(t, (<-answers).err, false)
		within(t, start, 5*time.Second)
	})
}

// Whatever number a request of the SMSC's has, its response has the same.
func TestRequestsOfTheSMSCAreAnswered(t *testing.T) {
	bubble(t, func(t *testing.T, m *smsc) {
		c := m.channel(nil)
		defer over(t, c)
		answers := send(t.Context(), c, envelope(t, "hello"))
		p := m.bound()
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
			p.say(tt.says)
			got, err := p.read()
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		}
		// Responses to nothing, and what has no response, get none.
		p.say(pdu.PDU{ID: 0x80000111, Sequence: 1, Body: pdu.Raw{}})
		p.say(pdu.PDU{ID: pdu.AlertNotification, Sequence: 1, Body: pdu.Raw{}})
		p.say(pdu.PDU{ID: pdu.SubmitSMResp, Sequence: 77, Body: &pdu.MessageResp{MessageID: "x"}})
		p.say(pdu.PDU{ID: pdu.GenericNack, Status: pdu.RINVCMDID})
		p.take(submit, "1")
		requireAccepted(t, <-answers, "1")
	})
}

func TestANackIsTheAnswerOfItsMessage(t *testing.T) {
	bubble(t, func(t *testing.T, m *smsc) {
		c := m.channel(nil)
		defer over(t, c)
		answers := send(t.Context(), c, envelope(t, "hello"))
		p := m.bound()
		p.say(pdu.PDU{ID: pdu.GenericNack, Status: pdu.RINVCMDLEN, Sequence: p.expect(pdu.SubmitSM).Sequence})
		requireRefused(t, (<-answers).err, status.Failed, status.SystemError)

		answers = send(t.Context(), c, envelope(t, "hello"))
		p.say(pdu.PDU{ID: pdu.GenericNack, Sequence: p.expect(pdu.SubmitSM).Sequence})
		requireFault(t, (<-answers).err, false) // a nack of success is still a nack
	})
}

func TestALengthThatMakesNoSenseEndsTheSession(t *testing.T) {
	bubble(t, func(t *testing.T, m *smsc) {
		c := m.channel(nil)
		defer over(t, c)
		answers := send(t.Context(), c, envelope(t, "hello"))
		p := m.bound()
		p.expect(pdu.SubmitSM)
		_, err := p.conn.Write([]byte(strings.Repeat("\xff", 16)))
		require.NoError(t, err)
		requireFault(t, (<-answers).err, true)
		p.ended()
		m.bound()
	})
}

func TestAnUnbindOfTheSMSCWaitsForTheAnswersOnTheirWay(t *testing.T) {
	bubble(t, func(t *testing.T, m *smsc) {
		c := m.channel(nil)
		defer over(t, c)
		first := send(t.Context(), c, envelope(t, "hello"))
		p := m.bound()
		submit := p.expect(pdu.SubmitSM)
		p.say(pdu.PDU{ID: pdu.Unbind, Sequence: 0xFFFFFFF0})
		synctest.Wait()
		second := send(t.Context(), c, envelope(t, "hello")) // it waits for the next bind
		synctest.Wait()
		p.say(pdu.PDU{ID: pdu.Unbind, Sequence: 0xFFFFFFF1})
		require.Equal(t, uint32(0xFFFFFFF1), p.expect(pdu.UnbindResp).Sequence)
		p.take(submit, "1")
		requireAccepted(t, <-first, "1")
		require.Equal(t, uint32(0xFFFFFFF0), p.expect(pdu.UnbindResp).Sequence)
		p.ended()

		p = m.bound()
		p.take(p.expect(pdu.SubmitSM), "2")
		requireAccepted(t, <-second, "2")
	})
}

func TestASessionThatTheSMSCTakesForUnboundIsBoundAgain(t *testing.T) {
	for _, s := range []pdu.Status{pdu.RINVBNDSTS, pdu.RALYBND} {
		t.Run(s.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T, m *smsc) {
				c := m.channel(nil)
				defer over(t, c)
				answers := send(t.Context(), c, envelope(t, "hello"))
				p := m.bound()
				p.answer(p.expect(pdu.SubmitSM), s)
				requireFault(t, (<-answers).err, false)
				start := time.Now()
				p.expect(pdu.Unbind) // and no answer
				p.ended()
				within(t, start, 30*time.Second)
				m.bound()
			})
		})
	}
}

func TestCloseWaitsForAnswersAndUnbinds(t *testing.T) {
	bubble(t, func(t *testing.T, m *smsc) {
		c := m.channel(nil)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		heard := make(chan error, 1)
		go func() { heard <- c.Listen(ctx, nil) }()
		p := m.bound()
		first := send(t.Context(), c, envelope(t, "hello"))
		submit := p.expect(pdu.SubmitSM)
		closed := make(chan error, 1)
		go func() { closed <- c.Close() }()
		require.Error(t, <-heard)
		synctest.Wait()
		_, err := c.Send(t.Context(), envelope(t, "hello"))
		requireFault(t, err, false)
		p.take(submit, "1")
		requireAccepted(t, <-first, "1")
		p.answer(p.expect(pdu.Unbind), pdu.ROK)
		require.NoError(t, <-closed)
		p.ended()
	})
}

func TestCloseCutsOffWhatTakesTooLong(t *testing.T) {
	bubble(t, func(t *testing.T, m *smsc) {
		c := m.channel(func(c *smpp.Config) { c.CloseTimeout, c.Binds = 3*time.Second, 3 })
		start := time.Now()
		answers := send(t.Context(), c, envelope(t, "hello"))
		p := m.bound()
		p.expect(pdu.SubmitSM)
		m.bound()
		m.accept() // and no bind of the third
		closed := make(chan error, 1)
		go func() { closed <- c.Close() }()
		requireFault(t, (<-answers).err, true)
		require.ErrorContains(t, <-closed, "3s")
		within(t, start, 3*time.Second)
	})
}

func TestCloseWhileNoBindIsUpLetsGoOfThoseWhoWait(t *testing.T) {
	bubble(t, func(t *testing.T, m *smsc) {
		c := m.channel(nil)
		answers := send(t.Context(), c, envelope(t, "hello"))
		m.accept().expect(pdu.BindTransceiver)
		require.NoError(t, c.Close())
		requireFault(t, (<-answers).err, false)
	})
}

func TestASessionThatIsLostIsBoundAgain(t *testing.T) {
	bubble(t, func(t *testing.T, m *smsc) {
		c := m.channel(nil)
		defer over(t, c)
		var pauses []time.Duration
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go c.Listen(ctx, nil) //nolint:errcheck // it ends with its context
		p := m.bound()
		for range 4 {
			cut := time.Now()
			p.hangUp()
			synctest.Wait()
			answers := send(t.Context(), c, envelope(t, "hello")) // it waits
			p = m.bound()
			pauses = append(pauses, time.Since(cut))
			p.take(p.expect(pdu.SubmitSM), "1")
			requireAccepted(t, <-answers, "1")
		}
		require.LessOrEqual(t, pauses[0], time.Second)
		require.GreaterOrEqual(t, pauses[3], 4*time.Second, "a session that does not last is not a success")

		for range 3 { // half a minute apart
			p.answer(p.expect(pdu.EnquireLink), pdu.ROK)
		}
		cut := time.Now()
		p.hangUp()
		m.bound()
		require.LessOrEqual(t, time.Since(cut), time.Second, "one that lasted is")
	})
}

func TestMessagesAreSpreadOverTheBinds(t *testing.T) {
	bubble(t, func(t *testing.T, m *smsc) {
		c := m.channel(func(c *smpp.Config) { c.Binds, c.Window = 3, 2 })
		defer over(t, c)
		var answers []<-chan answer
		answers = append(answers, send(t.Context(), c, envelope(t, "hello")))
		peers := []*peer{m.bound(), m.bound(), m.bound()}
		for range 5 {
			synctest.Wait()
			answers = append(answers, send(t.Context(), c, envelope(t, "hello")))
		}
		for _, p := range peers {
			p.take(p.expect(pdu.SubmitSM), "1")
			p.take(p.expect(pdu.SubmitSM), "1")
		}
		for _, a := range answers {
			requireAccepted(t, <-a, "1")
		}
	})
}

func TestMessagesOneAfterTheOtherAreSpreadToo(t *testing.T) {
	bubble(t, func(t *testing.T, m *smsc) {
		var mu sync.Mutex
		took := make(map[*peer]int)
		m.serve(func(p *peer, q pdu.PDU) {
			p.take(q, "1")
			mu.Lock()
			defer mu.Unlock()
			took[p]++
		})
		c := m.channel(func(c *smpp.Config) { c.Binds = 3 })
		defer over(t, c)
		for range 30 {
			synctest.Wait()
			_, err := c.Send(t.Context(), envelope(t, "hello"))
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

func TestOneBindThatFailsDoesNotStopTheOthers(t *testing.T) {
	bubble(t, func(t *testing.T, m *smsc) {
		c := m.channel(func(c *smpp.Config) { c.Binds = 2 })
		defer over(t, c)
		answers := send(t.Context(), c, envelope(t, "hello"))
		one, two := m.accept(), m.accept()
		one.answer(one.expect(pdu.BindTransceiver), pdu.RBINDFAIL)
		one.ended()
		synctest.Wait() // the send waits for the other
		two.answer(two.expect(pdu.BindTransceiver), pdu.ROK)
		two.take(two.expect(pdu.SubmitSM), "1")
		requireAccepted(t, <-answers, "1")
	})
}

var _ channel.Listener = (*smpp.Channel)(nil)

// eager is a connection to an SMSC that answers a message before the call that writes
// it has returned, and does not let it return until told to.
type eager struct {
	net.Conn
	smsc *peer
	hold chan struct{}
}

func (e *eager) Write(b []byte) (int, error) {
	h, err := pdu.ParseHeader(b)
	if err != nil || h.ID != pdu.SubmitSM {
		return e.Conn.Write(b)
	}
	e.smsc.take(pdu.PDU{Sequence: h.Sequence}, "1")
	<-e.hold
	return len(b), nil
}

func TestAnAnswerMayComeBeforeItsMessageIsWritten(t *testing.T) {
	bubble(t, func(t *testing.T, m *smsc) {
		hold := make(chan struct{})
		c := m.channel(func(c *smpp.Config) {
			c.Dial = func(context.Context, string, string) (net.Conn, error) {
				here, there := net.Pipe()
				p := &peer{t, there}
				go func() { p.answer(p.expect(pdu.BindTransceiver), pdu.ROK) }()
				return &eager{here, p, hold}, nil
			}
		})
		defer over(t, c)
		defer close(hold)
		requireAccepted(t, <-send(t.Context(), c, envelope(t, "hello")), "1")
	})
}
