package every8d

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/httpapi"
	"github.com/smsplus/smsplus-go/status"
)

// maxQueries is the number of requests that one Query has under way.
const maxQueries = 4

// Query asks for the state of each batch (getDeliveryStatus), a few at once. A receipt comes for
// every message whose state is a result. Every8D does not know an attempt whose Send had no
// answer. A refusal that concerns the account, or the service, ends the Query.
func (c *Channel) Query(ctx context.Context, refs []channel.Ref) ([]channel.Receipt, error) {
	asked := slices.DeleteFunc(slices.Clone(refs), func(ref channel.Ref) bool { return !isBatchID(ref.ProviderID) })
	return httpapi.QueryEach(asked, maxQueries, func(ref channel.Ref) (channel.Receipt, bool, error) {
		return c.queryBatch(ctx, ref)
	}, func(error) bool { return true })
}

// queryBatch asks for the state of one message. It reports whether that is a result.
func (c *Channel) queryBatch(ctx context.Context, ref channel.Ref) (r channel.Receipt, known bool, err error) {
	answer, err := c.call(ctx, "getDeliveryStatus.ashx", url.Values{"BID": {ref.ProviderID}, "PNO": {"1"}, "RESPFORMAT": {"0"}})
	if err != nil {
		return r, false, fmt.Errorf("every8d: query: %w", err)
	}
	if answer.Code != http.StatusOK {
		return r, false, channel.Temporary(fmt.Errorf("every8d: query: HTTP %d", answer.Code), answer.RetryAfter())
	}
	states, refusal, err := parseStates(answer.Body)
	v, known := c.setup().Codes[refusal]
	switch {
	case err != nil:
		return r, false, fmt.Errorf("every8d: query: %w", err)
	case refusal != 0 && known && (v.Reason == status.Authorization || v.Reason == status.Permission || v.Status == status.Preparing):
		return r, false, fmt.Errorf("every8d: query: code %d", refusal)
	}
	r = channel.Receipt{Channel: ref.Channel, ProviderID: ref.ProviderID}
	delivered := len(states) > 0
	for _, state := range states { // one, unless Every8D has divided the text
		switch v := c.setup().Codes[state]; v.Status {
		case status.Undeliverable, status.Failed:
			r.Status, r.Reason, r.Detail = v.Status, v.Reason, fmt.Sprintf("STATUS %d", state)
			return r, true, nil
		case status.Delivered:
		default:
			delivered = false
		}
	}
	if delivered {
		r.Status = status.Delivered
	}
	return r, delivered, nil
}

var errNoStates = errors.New("the answer has no state")

// parseStates parses an answer of getDeliveryStatus (the specification, getDeliveryStatus): the
// number of messages, and a line for each, whose fields are separated by tabs. Public clients
// of the newer sites ask for this form with RESPFORMAT.
//
//	1
//	NAME	MOBILE	SEND_TIME	COST	STATUS
//
// A refusal is a negative code and words, as of sendSMS. That an unknown batch has no lines, or
// a code of its own, is assumed. Lines that make no sense do not count.
func parseStates(body []byte) (states []int, refusal int, err error) {
	text := strings.TrimSpace(string(bytes.TrimPrefix(body, []byte("\uFEFF"))))
	first, lines, _ := strings.Cut(text, "\n")
	if code, _, ok := parseRefusal(first); ok {
		return nil, code, nil
	}
	count, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || count < 0 {
		return nil, 0, errNoStates
	}
	for line := range strings.Lines(lines) {
		fields := strings.Split(strings.TrimRight(line, "\r\n"), "\t")
		if len(fields) < 5 {
			continue
		}
		if state, err := strconv.Atoi(strings.TrimSpace(fields[4])); err == nil {
			states = append(states, state)
		}
	}
	return states, 0, nil
}
