package smpp

import (
	"context"
	"fmt"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms/smpp/pdu"
)

// Recall takes a message back with cancel_sm (section 4.9), if Config.CancelSM is set. Otherwise it
// is impossible. A message of several segments is taken back by each of them, and counts as
// recalled when all are. It is impossible for a message that this process did not send, or sent
// long ago (see [Channel.Query]), because its segments are not known.
func (c *Channel) Recall(ctx context.Context, ref channel.Ref) (channel.Recall, error) {
	if !c.config.CancelSM {
		return channel.Impossible, nil
	}
	answer := channel.Recalled
	for _, id := range c.partIDs(ref.ProviderID) {
		raw, ok := c.rawIDs.get(id)
		if !ok {
			return channel.Impossible, nil
		}
		one, err := c.cancelPart(ctx, raw)
		if err != nil {
			return 0, err
		}
		answer = min(answer, one)
	}
	return answer, nil
}

// cancelPart takes one part back. Its ID is as the SMSC wrote it.
func (c *Channel) cancelPart(ctx context.Context, raw string) (channel.Recall, error) {
	response, err := c.roundTrip(ctx, pdu.PDU{ID: pdu.CancelSM, Body: &pdu.Cancel{
		ServiceType: c.config.ServiceType, MessageID: raw, Source: c.source,
	}})
	if err != nil {
		return 0, err
	}
	code := response.Status
	if response.ID == pdu.GenericNack {
		code = nackStatus(code)
	}
	switch code {
	case pdu.ROK:
		return channel.Recalled, nil
	case pdu.RCANCELFAIL:
		return channel.TooLate, nil
	case pdu.RINVMSGID, pdu.RQUERYFAIL, pdu.RINVCMDID, pdu.RPROVNOTALLWD, pdu.RINVSRCADR, pdu.RINVDSTADR, pdu.RINVSERTYP:
		return channel.Impossible, nil // the SMSC does not know the message, or has no cancel_sm
	default:
		return 0, fmt.Errorf("smpp: cancel_sm is refused: %v; see Config.CancelSM", code)
	}
}
