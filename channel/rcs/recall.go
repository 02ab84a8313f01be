package rcs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/httpapi"
	"github.com/smsplus/smsplus-go/phone"
)

// Recall revokes a message that has not arrived (the reference, phones.agentMessages.delete).
// The platform says that a message which it has revoked is never delivered, except for one
// that is being delivered at that moment: its receipt comes afterwards.
//
// The platform wants the person's number, which is stored nowhere. So this process remembers
// the numbers of about the 100,000 latest messages. Any other message is [channel.Impossible].
func (c *Channel) Recall(ctx context.Context, ref channel.Ref) (channel.Recall, error) {
	attempt, err := uuid.Parse(ref.ProviderID)
	if err != nil {
		return channel.Impossible, nil
	}
	number, known := c.setup().recipients.get(attempt)
	if !known {
		return channel.Impossible, nil
	}
	token, _, err := c.accessToken(ctx)
	if err != nil {
		return 0, fmt.Errorf("rcs: recall: %w", err)
	}
	address := c.messagesURL(number.E164()) + "/" + attempt.String() + "?agentId=" + url.QueryEscape(c.setup().AgentID)
	req, err := http.NewRequestWithContext(ctx, http.MethodDelete, address, http.NoBody)
	if err != nil {
		return 0, errors.New("rcs: recall: no request can be made")
	}
	req.Header.Set("Authorization", "Bearer "+token.Reveal())
	answer, err := httpapi.Do(c.setup().Client, req)
	if err != nil {
		return 0, fmt.Errorf("rcs: recall: %w", err)
	}
	switch code := answer.Code; {
	case code/100 == 2:
		return channel.Recalled, nil
	case code == http.StatusNotFound:
		return channel.TooLate, nil
	case code == http.StatusBadRequest, code == http.StatusForbidden:
		return channel.Impossible, nil
	case code == http.StatusUnauthorized:
		c.dropToken(token)
	}
	return 0, channel.Temporary(fmt.Errorf("rcs: recall: HTTP %d", answer.Code), answer.RetryAfter())
}

// maxRecipients is how many numbers are remembered at least.
const maxRecipients = 100_000

// recipients are the numbers of the latest messages, by attempt. When recent is full it becomes
// older, and the numbers in older are forgotten.
type recipients struct {
	mu            sync.Mutex
	recent, older map[uuid.UUID]phone.Number
}

func (r *recipients) put(attempt uuid.UUID, n phone.Number) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.recent == nil || len(r.recent) >= maxRecipients {
		r.recent, r.older = make(map[uuid.UUID]phone.Number), r.recent
	}
	r.recent[attempt] = n
}

func (r *recipients) get(attempt uuid.UUID) (n phone.Number, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n, ok = r.recent[attempt]; !ok {
		n, ok = r.older[attempt]
	}
	return n, ok
}
