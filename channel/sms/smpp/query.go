package smpp

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms/smpp/pdu"
	"github.com/smsplus/smsplus-go/status"
)

// Query asks for the states of messages with query_sm (section 4.8), one after the other, if
// Config.QuerySM is set. Otherwise it asks nothing. A message of several segments is asked for
// by each of them: it is delivered when all are, and refused when one is. An attempt without a
// message ID, because its Send had no answer, cannot be asked about.
//
// SMSCs answer under an ID as they wrote it. This process remembers about the 100,000 latest
// ones. An older one, or one of another process, is asked for as it is stored, if IDs.Submit is
// Raw. Its segments before the last are then not asked for. Otherwise it is not asked for,
// because it may be the ID of another message.
func (c *Channel) Query(ctx context.Context, refs []channel.Ref) ([]channel.Receipt, error) {
	if !c.config.QuerySM {
		return nil, nil
	}
	var (
		answers []channel.Receipt
		vendor  error // the latest error that only one message has
	)
	for _, ref := range refs {
		r, err := c.queryMessage(ctx, ref)
		if r.Status != status.Preparing {
			answers = append(answers, r)
		}
		refused, ok := err.(*queryError) //nolint:errorlint // queryPart returns it as it is
		switch {
		case err == nil:
		case ok && refused.code.IsVendors():
			vendor = err
		default:
			return answers, err
		}
	}
	return answers, vendor
}

// queryMessage asks for the state of a message. A receipt with the status Preparing says that
// nothing is known.
func (c *Channel) queryMessage(ctx context.Context, ref channel.Ref) (channel.Receipt, error) {
	r := channel.Receipt{Channel: ref.Channel, ProviderID: ref.ProviderID}
	arrived := true
	for _, id := range c.partIDs(ref.ProviderID) {
		state, known, err := c.queryPart(ctx, id)
		if err != nil {
			return channel.Receipt{}, err
		}
		v, _ := c.stateVerdict(state)
		if known && (v.Status == status.Undeliverable || v.Status == status.Failed) {
			r.Status, r.Reason, r.Detail = v.Status, v.Reason, detailOf(state)
			return r, nil
		}
		arrived = arrived && known && v.Status == status.Delivered
	}
	if arrived {
		r.Status = status.Delivered
	}
	return r, nil
}

// queryPart asks for the state of one part. It is not known if the SMSC does not know the
// part, or cannot be asked for it.
func (c *Channel) queryPart(ctx context.Context, id string) (state pdu.Receipt, known bool, err error) {
	raw, ok := c.rawIDs.get(id)
	if !ok && (c.config.IDs.Submit != Raw || id == "" || strings.Contains(id, "-")) { // an attempt's own ID has hyphens
		return state, false, nil
	}
	if !ok {
		raw = id
	}
	answer, err := c.roundTrip(ctx, pdu.PDU{ID: pdu.QuerySM, Body: &pdu.Query{MessageID: raw, Source: c.source}})
	if err != nil {
		return state, false, err
	}
	body, ok := answer.Body.(*pdu.QueryResp)
	switch code := answer.Status; {
	case ok && code == pdu.ROK:
		state.State = body.State
		if body.ErrorCode != 0 {
			state.Err = strconv.Itoa(int(body.ErrorCode))
		}
		return state, true, nil
	case code == pdu.RQUERYFAIL || code == pdu.RINVMSGID:
		return state, false, nil
	case !ok:
		return state, false, &queryError{nackStatus(code)}
	default:
		return state, false, &queryError{code}
	}
}

// queryError is the error of a query that the SMSC refused.
type queryError struct{ code pdu.Status }

func (e *queryError) Error() string {
	return fmt.Sprintf("smpp: query_sm is refused: %v; see Config.QuerySM", e.code)
}

// normalizeSubmitted returns the ID of a submit_sm_resp in the form that is stored. It
// remembers the ID as the SMSC wrote it, if that will be asked for.
func (c *Channel) normalizeSubmitted(raw string) string {
	id := c.config.IDs.Submit.normalizeID(raw)
	if (c.config.QuerySM || c.config.CancelSM) && id != "" {
		c.rawIDs.put(id, raw)
	}
	return id
}

// partIDs returns the IDs of the parts of a message, or the message's if they are not known.
func (c *Channel) partIDs(message string) []string {
	if g, ok := c.partGroups.get(message); ok {
		g.mu.Lock()
		defer g.mu.Unlock()
		if len(g.ids) > 0 {
			return g.ids
		}
	}
	return []string{message}
}
