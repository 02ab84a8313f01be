package channeltest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

// call is a webhook call and what came of it.
type call struct {
	*httptest.ResponseRecorder

	mu       sync.Mutex
	answered bool
	sunk     [][]channel.Receipt // what each call of the sink got
	early    bool                // the call was answered before a call of the sink returned
}

func (c *call) WriteHeader(code int) {
	c.answer()
	c.ResponseRecorder.WriteHeader(code)
}

func (c *call) Write(b []byte) (int, error) {
	c.answer()
	return c.ResponseRecorder.Write(b)
}

func (c *call) answer() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answered = true
}

// call serves r with a sink that returns refusal.
func (s *suite) call(t *testing.T, c channel.Channel, r *http.Request, refusal error) *call {
	t.Helper()
	receiver, ok := c.(channel.Receiver)
	require.True(t, ok, "Harness.Webhook is set, but the channel is no channel.Receiver")
	got := &call{ResponseRecorder: httptest.NewRecorder()}
	receiver.ReceiptHandler(func(_ context.Context, rs ...channel.Receipt) error {
		got.mu.Lock()
		defer got.mu.Unlock()
		got.sunk = append(got.sunk, append([]channel.Receipt(nil), rs...))
		got.early = got.early || got.answered
		return refusal
	}).ServeHTTP(got, r)
	return got
}

// sent returns a channel and the provider ID of a message that it sent.
func (s *suite) sent(t *testing.T) (channel.Channel, string) {
	t.Helper()
	c, e := s.open(t, Case{})
	result, err := s.send(t.Context(), t, c, e)
	require.NoError(t, err)
	return c, result.ProviderID
}

// requireReceipts proves that receipts are about that message and say what they may.
func requireReceipts(t *testing.T, c channel.Channel, providerID string, rs []channel.Receipt) {
	t.Helper()
	require.NotEmpty(t, rs)
	for _, r := range rs {
		require.Equal(t, channel.Ref{Channel: c.Name(), ProviderID: providerID}, r.Ref())
		require.True(t, r.Status == status.Preparing || machine(c).Reaches(r.Status),
			"the machine never comes to %v", r.Status)
		require.True(t, !r.Read || c.Traits().Reads, "a read receipt, but Traits.Reads is false")
		if r.Status == status.Undeliverable || r.Status == status.Failed {
			require.NotEmpty(t, r.Reason)
		}
	}
}

func (s *suite) stored(t *testing.T) {
	c, id := s.sent(t)
	got := s.call(t, c, s.Webhook.Request(t, c, id), nil)
	require.Equal(t, 2, got.Code/100, "status code %d", got.Code)
	require.Len(t, got.sunk, 1, "calls of the sink")
	require.False(t, got.early, "the call was answered before the sink had stored its receipt")
}

func (s *suite) named(t *testing.T) {
	c, id := s.sent(t)
	got := s.call(t, c, s.Webhook.Request(t, c, id), nil)
	require.NotEmpty(t, got.sunk)
	requireReceipts(t, c, id, got.sunk[0])
}

func (s *suite) unstored(t *testing.T) {
	c, id := s.sent(t)
	got := s.call(t, c, s.Webhook.Request(t, c, id), errors.New("the store is down"))
	require.Equal(t, http.StatusServiceUnavailable, got.Code)
	again := s.call(t, c, s.Webhook.Request(t, c, id), nil)
	require.Equal(t, 2, again.Code/100, "status code %d of the repeat", again.Code)
	require.Equal(t, got.sunk, again.sunk, "the repeat says the same")
}

func (s *suite) forged(t *testing.T) {
	c, id := s.sent(t)
	got := s.call(t, c, s.Webhook.Forged(t, c, id), nil)
	require.Equal(t, http.StatusUnauthorized, got.Code)
	require.Empty(t, got.sunk, "the sink was called")
}

// oversizeBytes is more than any receipt has.
const oversizeBytes = 64 << 20

func (s *suite) oversize(t *testing.T) {
	c, id := s.sent(t)
	r := s.Webhook.Request(t, c, id)
	if r.Body == nil || r.Body == http.NoBody {
		t.Skip("the provider's calls have no body")
	}
	body := &endless{left: oversizeBytes}
	r.Body, r.ContentLength = io.NopCloser(body), -1
	got := s.call(t, c, r, nil)
	require.Equal(t, http.StatusRequestEntityTooLarge, got.Code)
	require.Empty(t, got.sunk, "the sink was called")
	require.Positive(t, body.left, "the body was read to its end")
}

// endless is a body that has left bytes to come.
type endless struct{ left int }

func (e *endless) Read(b []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), e.left)], strings.Repeat("x", min(len(b), e.left)))
	e.left -= n
	return n, nil
}

func (s *suite) malformed(t *testing.T) {
	c, _ := s.open(t, Case{})
	got := s.call(t, c, s.Webhook.Malformed(t, c), nil)
	require.Equal(t, http.StatusBadRequest, got.Code)
	require.Empty(t, got.sunk, "the sink was called")
}
