package twilio

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/httpapi"
)

// maxQueries is the number of requests that one Query has under way.
const maxQueries = 8

// Query fetches each message by its SID ("Fetch a Message resource"), a few at once. An
// attempt without a SID, because its Send had no answer, cannot be asked about: Twilio
// searches by nothing that names the attempt. A receipt comes for every message whose status
// is a result.
//
// An answer that every message would get ends the Query: too many requests, or wrong
// credentials. Its error is a [channel.Temporary] with the time that Twilio asks for.
func (c *Channel) Query(ctx context.Context, refs []channel.Ref) ([]channel.Receipt, error) {
	asked := slices.DeleteFunc(slices.Clone(refs), func(ref channel.Ref) bool { return !isMessageSID(ref.ProviderID) })
	return httpapi.QueryEach(asked, maxQueries, func(ref channel.Ref) (channel.Receipt, bool, error) {
		return c.fetchReceipt(ctx, ref)
	}, func(err error) bool { return errors.Is(err, errAccountRefused) })
}

// errAccountRefused is in the error of an answer that every message would get.
var errAccountRefused = errors.New("the account is refused")

// fetchReceipt fetches one message. It reports whether Twilio knows its result.
func (c *Channel) fetchReceipt(ctx context.Context, ref channel.Ref) (r channel.Receipt, known bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.messagesURL()+"/"+ref.ProviderID+".json", http.NoBody)
	if err != nil {
		return r, false, errors.New("twilio: no request can be made")
	}
	answer, err := c.call(req)
	switch {
	case err != nil:
		return r, false, fmt.Errorf("twilio: query: %w", err)
	case answer.Code == http.StatusNotFound: // deleted, or of another account
		return r, false, nil
	case answer.Code == http.StatusTooManyRequests || answer.Code == http.StatusUnauthorized:
		return r, false, channel.Temporary(fmt.Errorf("twilio: query: HTTP %d: %w", answer.Code, errAccountRefused), answer.RetryAfter())
	case answer.Code != http.StatusOK:
		return r, false, fmt.Errorf("twilio: query: HTTP %d", answer.Code)
	}
	message, _ := httpapi.ParseFields(answer.Body) // an answer that is not JSON has no fields
	word, code := message.Text("status"), codeIn(message, "error_code")
	v := c.statusVerdict(word, code)
	r = channel.Receipt{Channel: ref.Channel, ProviderID: ref.ProviderID, Status: v.Status, Reason: v.Reason}
	if v.Reason != "" {
		r.Detail = detailOf(word, code, ref.ProviderID)
	}
	return r, v.Status.Final(), nil
}
