package smpp_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms/smpp"
	"github.com/smsplus/smsplus-go/channel/sms/smpp/pdu"
)

// cancelingSMSC gives messages the IDs 00A1, 00A2 and so on, and answers cancel_sm by ID.
type cancelingSMSC struct {
	sent     int
	answers  map[string]pdu.Status
	nacks    bool
	canceled []pdu.Cancel
}

func (m *cancelingSMSC) reply(p *smscPeer, q pdu.PDU) {
	answer := pdu.PDU{ID: q.ID.Response(), Sequence: q.Sequence}
	switch body := q.Body.(type) {
	case *pdu.Message:
		m.sent++
		answer.Body = &pdu.MessageResp{MessageID: "00A" + string(rune('0'+m.sent))}
	case *pdu.Cancel:
		m.canceled = append(m.canceled, *body)
		answer.Status = m.answers[body.MessageID]
		if m.nacks {
			answer.ID = pdu.GenericNack
		}
	default:
		return
	}
	_ = p.tryWrite(answer) // the test may be over
}

func newCancelingChannel(t *testing.T, m *cancelingSMSC) *smpp.Channel {
	return newServedChannel(t, m.reply, func(c *smpp.Config) { c.CancelSM, c.Source = true, "ACME" })
}

func TestRecall_CancelsUnderTheIDOfTheSMSC(t *testing.T) {
	t.Parallel()
	for code, want := range map[pdu.Status]channel.Recall{
		pdu.ROK: channel.Recalled, pdu.RCANCELFAIL: channel.TooLate, pdu.RINVMSGID: channel.Impossible,
		pdu.RQUERYFAIL: channel.Impossible, pdu.RINVCMDID: channel.Impossible,
	} {
		m := &cancelingSMSC{answers: map[string]pdu.Status{"00A1": code}}
		c := newCancelingChannel(t, m)
		answer, err := c.Recall(t.Context(), sendText(t, c, "hello"))
		require.NoError(t, err)
		require.Equal(t, want, answer, "%v", code)
		require.Len(t, m.canceled, 1)
		require.Equal(t, "00A1", m.canceled[0].MessageID)
		require.Equal(t, "ACME", m.canceled[0].Source.Addr)
		require.Empty(t, m.canceled[0].Destination.Addr)
	}
}

// Each segment is taken back. The message is recalled when all of them are.
func TestRecall_CancelsEachSegment(t *testing.T) {
	t.Parallel()
	for _, last := range []pdu.Status{pdu.ROK, pdu.RCANCELFAIL} {
		m := &cancelingSMSC{answers: map[string]pdu.Status{"00A2": last}}
		c := newCancelingChannel(t, m)
		answer, err := c.Recall(t.Context(), sendText(t, c, strings.Repeat("hello ", 40)))
		require.NoError(t, err)
		require.Equal(t, last == pdu.ROK, answer == channel.Recalled)
		require.Len(t, m.canceled, 2)
	}
}

func TestRecall_OtherRefusalIsRepeated(t *testing.T) {
	t.Parallel()
	m := &cancelingSMSC{answers: map[string]pdu.Status{"00A1": pdu.RTHROTTLED}}
	c := newCancelingChannel(t, m)
	_, err := c.Recall(t.Context(), sendText(t, c, "hello"))
	require.ErrorContains(t, err, "smpp: cancel_sm is refused: ")
}

// An SMSC without cancel_sm answers with a generic_nack.
func TestRecall_IsImpossibleWithoutCancelSM(t *testing.T) {
	t.Parallel()
	m := &cancelingSMSC{nacks: true, answers: map[string]pdu.Status{"00A1": pdu.RINVCMDID}}
	c := newCancelingChannel(t, m)
	answer, err := c.Recall(t.Context(), sendText(t, c, "hello"))
	require.NoError(t, err)
	require.Equal(t, channel.Impossible, answer)
	answer, err = c.Recall(t.Context(), channel.Ref{Channel: channel.SMS, ProviderID: "b7"})
	require.NoError(t, err)
	require.Equal(t, channel.Impossible, answer, "another process sent it")
	require.Len(t, m.canceled, 1)
}
