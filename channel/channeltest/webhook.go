package channeltest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

// recordedCall is a webhook call and its outcome.
type recordedCall struct {
	*httptest.ResponseRecorder

	mu            sync.Mutex
	answered      bool
	received      [][]channel.Receipt // the receipts of each call of the sink
	answeredEarly bool                // the handler answered before a call of the sink returned
}

func (c *recordedCall) WriteHeader(code int) {
	c.markAnswered()
	c.ResponseRecorder.WriteHeader(code)
}

func (c *recordedCall) Write(b []byte) (int, error) {
	c.markAnswered()
	return c.ResponseRecorder.Write(b)
}

func (c *recordedCall) markAnswered() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answered = true
}

// serveCall serves r with a sink that returns refusal.
func (s *suite) serveCall(t *testing.T, c channel.Channel, r *http.Request, refusal error) *recordedCall {
	t.Helper()
	receiver, ok := c.(channel.Receiver)
	require.True(t, ok, "another channel of the harness is a channel.Receiver, and this one is not")
	got := &recordedCall{ResponseRecorder: httptest.NewRecorder()}
	receiver.ReceiptHandler(func(_ context.Context, rs ...channel.Receipt) error {
		got.mu.Lock()
		defer got.mu.Unlock()
		got.received = append(got.received, append([]channel.Receipt(nil), rs...))
		got.answeredEarly = got.answeredEarly || got.answered
		return refusal
	}).ServeHTTP(got, r)
	return got
}

// sendOne returns a channel and the provider ID of a message that it sent.
func (s *suite) sendOne(t *testing.T) (channel.Channel, string) {
	t.Helper()
	c, e := s.newSituation(t, Case{})
	result, err := s.requireSend(t.Context(), t, c, e)
	require.NoError(t, err)
	return c, result.ProviderID
}

// requireReceipts proves that receipts are about that message and within the limits of the
// channel's traits and machine.
func requireReceipts(t *testing.T, c channel.Channel, providerID string, rs []channel.Receipt) {
	t.Helper()
	require.NotEmpty(t, rs)
	for _, r := range rs {
		require.Equal(t, c.Name(), r.Channel)
		require.Equal(t, providerID, cmp.Or(r.NewID, r.ProviderID))
		require.True(t, r.Status == status.Preparing || machineOf(c).Reaches(r.Status),
			"the machine never comes to %v", r.Status)
		require.True(t, !r.Read || c.Traits().Reads, "a read receipt, but Traits.Reads is false")
		if r.Status == status.Undeliverable || r.Status == status.Failed {
			require.NotEmpty(t, r.Reason)
		}
	}
}

func (s *suite) testAnswerAfterStore(t *testing.T) {
	c, id := s.sendOne(t)
	got := s.serveCall(t, c, s.Webhook.Request(t, c, id), nil)
	require.Equal(t, 2, got.Code/100, "status code %d", got.Code)
	require.Len(t, got.received, 1, "calls of the sink")
	require.False(t, got.answeredEarly, "the call was answered before the sink had stored its receipt")
}

func (s *suite) testWebhookReceipt(t *testing.T) {
	c, id := s.sendOne(t)
	got := s.serveCall(t, c, s.Webhook.Request(t, c, id), nil)
	require.NotEmpty(t, got.received)
	requireReceipts(t, c, id, got.received[0])
}

func (s *suite) testStoreFailure(t *testing.T) {
	c, id := s.sendOne(t)
	got := s.serveCall(t, c, s.Webhook.Request(t, c, id), errors.New("the store is down"))
	require.Equal(t, http.StatusServiceUnavailable, got.Code)
	again := s.serveCall(t, c, s.Webhook.Request(t, c, id), nil)
	require.Equal(t, 2, again.Code/100, "status code %d of the repeat", again.Code)
	require.Equal(t, formatCalls(got.received), formatCalls(again.received), "the repeat says the same")
}

// formatCalls returns receipts as a text, with their statuses as words.
func formatCalls(calls [][]channel.Receipt) string { return fmt.Sprintf("%+v", calls) }

func (s *suite) testForgedCall(t *testing.T) {
	c, id := s.sendOne(t)
	got := s.serveCall(t, c, s.Webhook.Forged(t, c, id), nil)
	require.Equal(t, http.StatusUnauthorized, got.Code)
	require.Empty(t, got.received, "the sink was called")
}

func (s *suite) testUndelivered(t *testing.T) {
	c, id := s.sendOne(t)
	got := s.serveCall(t, c, s.Webhook.Undelivered(t, c, id), nil)
	require.NotEmpty(t, got.received)
	requireReceipts(t, c, id, got.received[0])
	final := got.received[0][len(got.received[0])-1].Status
	require.Contains(t, []string{status.Undeliverable.String(), status.Failed.String()}, final.String())
}

func (s *suite) testSeveralReceipts(t *testing.T) {
	c, e := s.newSituation(t, Case{})
	var ids []string
	for range 3 {
		e.AttemptID = uuid.New()
		result, err := s.requireSend(t.Context(), t, c, e)
		require.NoError(t, err)
		ids = append(ids, result.ProviderID)
	}
	got := s.serveCall(t, c, s.Webhook.Several(t, c, ids), nil)
	require.Len(t, got.received, 1, "calls of the sink")
	var named []string
	for _, r := range got.received[0] {
		if id := cmp.Or(r.NewID, r.ProviderID); !slices.Contains(named, id) {
			named = append(named, id)
		}
	}
	require.ElementsMatch(t, ids, named)
}

func (s *suite) testUnknownStatus(t *testing.T) {
	c, id := s.sendOne(t)
	got := s.serveCall(t, c, s.Webhook.Unknown(t, c, id), nil)
	require.Equal(t, 2, got.Code/100, "status code %d: the provider would repeat the call", got.Code)
	for _, rs := range got.received {
		for _, r := range rs {
			require.Contains(t, []string{status.Preparing.String(), status.Accepted.String()}, r.Status.String(),
				"a status to come says nothing new")
		}
	}
}

// oversizeBytes is more than any receipt needs.
const oversizeBytes = 64 << 20

func (s *suite) testOversizeCall(t *testing.T) {
	c, id := s.sendOne(t)
	r := s.Webhook.Request(t, c, id)
	if r.Body == nil || r.Body == http.NoBody {
		t.Skip("the provider's calls have no body")
	}
	body := &longBody{remaining: oversizeBytes}
	r.Body, r.ContentLength = io.NopCloser(body), -1
	got := s.serveCall(t, c, r, nil)
	require.Equal(t, http.StatusRequestEntityTooLarge, got.Code)
	require.Empty(t, got.received, "the sink was called")
	require.Positive(t, body.remaining, "the body was read to its end")
}

// longBody is a body with remaining bytes to read.
type longBody struct{ remaining int }

func (e *longBody) Read(b []byte) (int, error) {
	if e.remaining == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), e.remaining)], strings.Repeat("x", min(len(b), e.remaining)))
	e.remaining -= n
	return n, nil
}

func (s *suite) testMalformedCall(t *testing.T) {
	c, _ := s.newSituation(t, Case{})
	got := s.serveCall(t, c, s.Webhook.Malformed(t, c), nil)
	require.Equal(t, http.StatusBadRequest, got.Code)
	require.Empty(t, got.received, "the sink was called")
}
