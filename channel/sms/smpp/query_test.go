package smpp_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
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

// queriedSMSC accepts every message and answers query_sm, without receipts.
type queriedSMSC struct {
	mu      sync.Mutex
	ids     []string // of the next messages
	states  map[string]pdu.QueryResp
	code    pdu.Status // of every answer to a query_sm
	queries []string   // the IDs that were asked for
}

func (m *queriedSMSC) reply(p *smscPeer, q pdu.PDU) {
	m.mu.Lock()
	defer m.mu.Unlock()
	answer := pdu.PDU{ID: q.ID.Response(), Sequence: q.Sequence}
	switch body := q.Body.(type) {
	case *pdu.Message:
		id := m.ids[0]
		m.ids = m.ids[1:]
		answer.Body = &pdu.MessageResp{MessageID: id}
	case *pdu.Query:
		m.queries = append(m.queries, body.MessageID)
		state, known := m.states[body.MessageID]
		switch {
		case m.code != pdu.ROK:
			answer.Status = m.code
		case !known || body.Source.Addr != "ACME" || body.Source.TON != pdu.TONAlphanumeric:
			answer.Status = pdu.RQUERYFAIL
		default:
			state.MessageID = body.MessageID
			answer.Body = &state
		}
	default:
		return
	}
	_ = p.tryWrite(answer) // the test may be over
}

// set sets the state of a message.
func (m *queriedSMSC) set(id string, state pdu.State, code uint8) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.states == nil {
		m.states = make(map[string]pdu.QueryResp)
	}
	m.states[id] = pdu.QueryResp{State: state, ErrorCode: code}
}

func (m *queriedSMSC) takeQueries() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	queries := m.queries
	m.queries = nil
	return queries
}

// newQueriedChannel returns a channel that asks an SMSC, which gives its messages those IDs.
func newQueriedChannel(t *testing.T, change func(*smpp.Config), ids ...string) (*smpp.Channel, *queriedSMSC) {
	m := &queriedSMSC{ids: ids}
	return newServedChannel(t, m.reply, func(c *smpp.Config) {
		c.QuerySM, c.Source = true, "ACME"
		if change != nil {
			change(c)
		}
	}), m
}

// sendText sends a text and returns its ref.
func sendText(t *testing.T, c *smpp.Channel, text string) channel.Ref {
	t.Helper()
	result, err := c.Send(t.Context(), envelope(text))
	require.NoError(t, err)
	return channel.Ref{Channel: channel.SMS, ProviderID: result.ProviderID}
}

func TestQuery_AsksForIDAsTheSMSCWroteIt(t *testing.T) {
	t.Parallel()
	for raw, tt := range map[string]struct {
		format smpp.IDFormat
		stored string
	}{
		"00-A1":  {smpp.Raw, "a1"},
		"00A1":   {smpp.Hex, "161"},
		"000161": {smpp.Decimal, "161"},
	} {
		c, m := newQueriedChannel(t, func(c *smpp.Config) { c.IDs.Submit = tt.format }, raw)
		ref := sendText(t, c, "hello")
		require.Equal(t, tt.stored, ref.ProviderID)
		m.set(raw, pdu.StateDelivered, 0)
		rs, err := c.Query(t.Context(), []channel.Ref{ref})
		require.NoError(t, err)
		require.Equal(t, []channel.Receipt{{Channel: channel.SMS, ProviderID: tt.stored, Status: status.Delivered}}, rs)
		require.Equal(t, []string{raw}, m.takeQueries())
	}
}

// An ID of another process is asked for if it may be as the SMSC wrote it.
func TestQuery_AsksForNoOtherMessage(t *testing.T) {
	t.Parallel()
	for format, want := range map[smpp.IDFormat][]string{smpp.Raw: {"161"}, smpp.Hex: nil, smpp.Decimal: nil} {
		c, m := newQueriedChannel(t, func(c *smpp.Config) { c.IDs.Submit = format })
		m.set("161", pdu.StateDelivered, 0)
		rs, err := c.Query(t.Context(), []channel.Ref{
			{Channel: channel.SMS, ProviderID: "161"}, {Channel: channel.SMS, ProviderID: uuid.NewString()}, {Channel: channel.SMS},
		})
		require.NoError(t, err)
		require.Len(t, rs, len(want))
		require.Equal(t, want, m.takeQueries())
	}
}

func TestQuery_StatesMeanWhatTheyMeanInReceipts(t *testing.T) {
	t.Parallel()
	ids := make([]string, 11)
	for i := range ids {
		ids[i] = fmt.Sprint(100 + i)
	}
	c, m := newQueriedChannel(t, func(c *smpp.Config) {
		c.States = map[pdu.State]channel.Verdict{pdu.StateAccepted: {Status: status.Delivered}}
	}, ids...)
	got := map[pdu.State]channel.Receipt{}
	for state := range pdu.State(11) {
		ref := sendText(t, c, "hello")
		m.set(ref.ProviderID, state, 69)
		rs, err := c.Query(t.Context(), []channel.Ref{ref})
		require.NoError(t, err)
		if len(rs) > 0 {
			require.Equal(t, ref, rs[0].Ref())
			got[state] = channel.Receipt{Status: rs[0].Status, Reason: rs[0].Reason, Detail: rs[0].Detail}
		}
	}
	undeliverable := func(reason status.Reason, detail string) channel.Receipt {
		return channel.Receipt{Status: status.Undeliverable, Reason: reason, Detail: detail}
	}
	require.Equal(t, map[pdu.State]channel.Receipt{
		pdu.StateDelivered:     {Status: status.Delivered},
		pdu.StateAccepted:      {Status: status.Delivered}, // by Config.States
		pdu.StateExpired:       undeliverable(status.CarrierError, "EXPIRED err 69"),
		pdu.StateDeleted:       undeliverable(status.CarrierError, "DELETED err 69"),
		pdu.StateUndeliverable: undeliverable(status.CarrierError, "UNDELIV err 69"),
		pdu.StateRejected:      undeliverable(status.ContentRejected, "REJECTD err 69"),
		pdu.StateSkipped:       undeliverable(status.CarrierError, "SKIPPED err 69"),
	}, got)
}

// Each segment is a message of its own to the SMSC.
func TestQuery_MessageArrivesWithAllItsParts(t *testing.T) {
	t.Parallel()
	for _, parts := range []smpp.PartReceipts{smpp.LastPart, smpp.FirstPart, smpp.EachPart} {
		c, m := newQueriedChannel(t, func(c *smpp.Config) { c.PartReceipts = parts }, "0A", "0B", "0C")
		ref := sendText(t, c, strings.Repeat("It is a big parcel. ", 20))
		query := func() []channel.Receipt {
			rs, err := c.Query(t.Context(), []channel.Ref{ref})
			require.NoError(t, err)
			for _, r := range rs {
				require.Equal(t, ref, r.Ref())
			}
			return rs
		}
		require.Empty(t, query(), "the SMSC knows no part")
		m.set("0A", pdu.StateDelivered, 0)
		m.set("0C", pdu.StateDelivered, 0)
		m.set("0B", pdu.StateEnroute, 0)
		require.Empty(t, query(), "a part is on its way")
		m.set("0B", pdu.StateDelivered, 0)
		m.takeQueries()
		require.Equal(t, status.Delivered, query()[0].Status)
		require.Equal(t, []string{"0A", "0B", "0C"}, m.takeQueries())
		m.set("0A", pdu.StateEnroute, 0)
		m.set("0B", pdu.StateRejected, 0)
		require.Equal(t, status.Undeliverable, query()[0].Status)
	}
}

func TestQuery_RefusalEndsIt(t *testing.T) {
	t.Parallel()
	for code, tt := range map[pdu.Status]struct {
		want  string
		asked int
	}{
		pdu.RINVMSGID:  {"", 3},
		pdu.RQUERYFAIL: {"", 3},
		pdu.RINVCMDID:  {"smpp: query_sm is refused: 0x03 RINVCMDID; see Config.QuerySM", 1},
		pdu.RTHROTTLED: {"smpp: query_sm is refused: 0x58 RTHROTTLED; see Config.QuerySM", 1},
		0x4A1:          {"smpp: query_sm is refused: 0x4a1; see Config.QuerySM", 3}, // a vendor's: it may be about this message
	} {
		c, m := newQueriedChannel(t, nil)
		m.code = code
		var refs []channel.Ref
		for i := range 3 {
			refs = append(refs, channel.Ref{Channel: channel.SMS, ProviderID: fmt.Sprint(i + 1)})
		}
		rs, err := c.Query(t.Context(), refs)
		require.Empty(t, rs)
		require.Len(t, m.takeQueries(), tt.asked, code)
		if tt.want == "" {
			require.NoError(t, err)
		} else {
			require.EqualError(t, err, tt.want)
		}
	}
}

func TestQuery_GenericNackIsARefusal(t *testing.T) {
	t.Parallel()
	c := newServedChannel(t, func(p *smscPeer, q pdu.PDU) {
		_ = p.tryWrite(pdu.PDU{ID: pdu.GenericNack, Sequence: q.Sequence})
	}, func(c *smpp.Config) { c.QuerySM = true })
	_, err := c.Query(t.Context(), []channel.Ref{{Channel: channel.SMS, ProviderID: "1"}})
	require.ErrorContains(t, err, "query_sm is refused: 0xff RUNKNOWNERR")
}

// Without the setting, an SMSC that would refuse it sees no query_sm.
func TestQuery_AsksNothingByDefault(t *testing.T) {
	t.Parallel()
	c, m := newQueriedChannel(t, func(c *smpp.Config) { c.QuerySM = false })
	rs, err := c.Query(t.Context(), []channel.Ref{{Channel: channel.SMS, ProviderID: "1"}})
	require.NoError(t, err)
	require.Empty(t, rs)
	require.Empty(t, m.takeQueries())
}

// A query waits for its answer, and gives its place in the window back in every case.
func TestQuery_GivesItsPlaceBack(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		c := m.newChannel(func(c *smpp.Config) { c.QuerySM, c.Window, c.ResponseTimeout = true, 1, 5*time.Second })
		defer closeIgnoringError(t, c)
		refs := []channel.Ref{{Channel: channel.SMS, ProviderID: "1"}, {Channel: channel.SMS, ProviderID: "2"}}
		errs := make(chan error, 1)
		query := func(ctx context.Context) {
			go func() {
				_, err := c.Query(ctx, refs)
				errs <- err
			}()
		}
		query(t.Context())
		p := m.acceptBind()
		start := time.Now()
		late := p.expect(pdu.QuerySM)
		require.EqualError(t, <-errs, "smpp: no answer: smpp: the smsc has not answered in time")
		requireElapsed(t, start, 5*time.Second)

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		query(ctx)
		p.expect(pdu.QuerySM)
		require.ErrorIs(t, <-errs, context.DeadlineExceeded)

		p.write(pdu.PDU{ID: pdu.QuerySMResp, Sequence: late.Sequence, Body: &pdu.QueryResp{State: pdu.StateDelivered}})
		answers := sendAsync(t.Context(), c, envelope("hello"))
		p.acceptSubmit(p.expect(pdu.SubmitSM), "9")
		requireAccepted(t, <-answers, "9")

		query(t.Context())
		p.expect(pdu.QuerySM)
		p.hangUp()
		require.EqualError(t, <-errs, "smpp: the link is down")
		m.acceptBind()
		synctest.Wait()
	})
}

// Receipts stay away. The SMSC is asked before the message ends, and knows that it arrived.
func TestEngine_SMSCIsAskedBeforeTheEnd(t *testing.T) {
	inBubble(t, func(t *testing.T, m *scriptedSMSC) {
		smsc := &queriedSMSC{ids: []string{"00A1"}}
		smsc.set("00A1", pdu.StateDelivered, 0)
		m.serveAll(smsc.reply)
		c := m.newChannel(func(c *smpp.Config) { c.QuerySM, c.Source = true, "ACME" })
		defer closeIgnoringError(t, c)
		d, err := smsplus.New(smsplus.Config{
			Store: memstore.New(), Channels: []channel.Channel{c}, NewID: uuid.New,
			Templates: []smsplus.Template{{ID: "otp", Route: []smsplus.Step{
				{Channel: channel.SMS, Content: channel.Text("Your code is 471108"), Wait: time.Hour},
			}}},
		})
		require.NoError(t, err)
		id, err := d.Send(t.Context(), smsplus.Trigger{Template: "otp", To: to(t, "+"+digits)})
		require.NoError(t, err)
		for range 2 {
			_, err = d.Tick(t.Context())
			require.NoError(t, err)
			time.Sleep(time.Hour) //nolint:forbidigo // the bubble's time
		}
		message, err := d.Message(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, status.Delivered, message.Status)
		require.Equal(t, "a1", message.Attempts[0].ProviderID)
	})
}
