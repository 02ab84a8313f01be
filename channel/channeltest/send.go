package channeltest

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptrace"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

// newSituation returns a case's channel, and an envelope for its recipient.
func (s *suite) newSituation(t *testing.T, c Case) (channel.Channel, channel.Envelope) {
	t.Helper()
	if c.Channel == nil {
		c.Channel = s.Channel
	}
	if c.To.IsZero() {
		c.To = s.To
	}
	return c.Channel(t), channel.Envelope{
		AttemptID: uuid.New(),
		To:        c.To,
		Content:   s.Content,
		Try:       1,
		Template:  "channeltest",
		Scenario:  "conformance",
	}
}

// allCases returns every situation in which Send must answer by itself.
func (s *suite) allCases() map[string]Case {
	all := map[string]Case{"reachable": {}}
	for name, c := range s.Unreachable {
		all["unreachable "+name] = c
	}
	for name, c := range s.Faults {
		all["fault "+name] = c
	}
	return all
}

// sendOutcome is the outcome of a Send. broken says that it panicked or did not return.
type sendOutcome struct {
	result channel.Result
	err    error
	broken string
}

// trySend calls Send, and returns after Patience at the latest.
func (s *suite) trySend(ctx context.Context, c channel.Channel, e channel.Envelope) sendOutcome {
	answers := make(chan sendOutcome, 1)
	go func() {
		var a sendOutcome
		defer func() {
			if recover() != nil {
				a.broken = "Send panicked"
			}
			answers <- a
		}()
		a.result, a.err = c.Send(ctx, e)
	}()
	select {
	case a := <-answers:
		return a
	case <-time.After(s.Patience):
		return sendOutcome{broken: fmt.Sprintf("Send has not returned after %v", s.Patience)}
	}
}

// requireSend calls Send, and fails the test if it panics or does not return.
func (s *suite) requireSend(ctx context.Context, t *testing.T, c channel.Channel, e channel.Envelope) (channel.Result, error) {
	t.Helper()
	a := s.trySend(ctx, c, e)
	require.Empty(t, a.broken)
	return a.result, a.err
}

// verdictOf returns the status and the reason that the engine derives from an answer.
func verdictOf(result channel.Result, err error) (status.Status, status.Reason) {
	if err == nil {
		return result.Status, result.Reason
	}
	if e, ok := errors.AsType[*channel.Error](err); ok {
		return e.Status(), e.Reason()
	}
	return status.Preparing, status.SystemError
}

func machineOf(c channel.Channel) *status.Machine {
	if m := c.Traits().Machine; m != nil {
		return m
	}
	return status.Default
}

var validName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)

func (s *suite) testConstantTraits(t *testing.T) {
	c, e := s.newSituation(t, Case{})
	name, traits := c.Name(), c.Traits()
	require.Regexp(t, validName, string(name), "a name is short and lower case")
	require.GreaterOrEqual(t, traits.Validity, time.Duration(0), "Traits.Validity")
	_, _ = s.requireSend(t.Context(), t, c, e)
	require.Equal(t, name, c.Name(), "Name after a Send")
	require.Equal(t, traits, c.Traits(), "Traits after a Send")
	another, _ := s.newSituation(t, Case{})
	require.Equal(t, name, another.Name(), "Name of another channel")
}

func (s *suite) testReachable(t *testing.T) {
	c, e := s.newSituation(t, Case{})
	result, err := s.requireSend(t.Context(), t, c, e)
	require.NoError(t, err)
	require.Contains(t, []string{status.Accepted.String(), status.Delivered.String()}, result.Status.String())
	require.Empty(t, result.Reason, "nothing is wrong")
	hasReceipts := s.Webhook != nil || s.Report != nil
	if hasReceipts && machineOf(c).Reaches(status.Accepted) {
		require.Equal(t, status.Accepted.String(), result.Status.String(),
			"the provider has it; only a receipt says that the person does")
	}
	if result.Status == status.Accepted && (s.receives || s.listens) {
		require.NotEmpty(t, result.ProviderID, "without it no receipt finds its attempt")
	}
}

func (s *suite) testLegalStatus(t *testing.T) {
	for name, situation := range s.allCases() {
		c, e := s.newSituation(t, situation)
		result, err := s.requireSend(t.Context(), t, c, e)
		if err != nil {
			continue
		}
		m := machineOf(c)
		require.NotEqual(t, status.Preparing.String(), result.Status.String(),
			"%s: a nil error says that the provider answered", name)
		require.True(t, result.Status == m.Initial() || m.Can(m.Initial(), result.Status),
			"%s: the machine has no edge from %v to %v", name, m.Initial(), result.Status)
	}
}

func (s *suite) testUnreachable(t *testing.T) {
	for name, situation := range s.Unreachable {
		c, e := s.newSituation(t, situation)
		got, reason := verdictOf(s.requireSend(t.Context(), t, c, e))
		require.Equal(t, status.Undeliverable.String(), got.String(), name)
		require.NotEmpty(t, reason, name)
	}
}

func (s *suite) testFaults(t *testing.T) {
	for name, situation := range s.Faults {
		c, e := s.newSituation(t, situation)
		result, err := s.requireSend(t.Context(), t, c, e)
		got, reason := verdictOf(result, err)
		require.NotEqual(t, status.Delivered.String(), got.String(), "%s: nobody was reached", name)
		require.NotEqual(t, status.Accepted.String(), got.String(), "%s: nobody has it", name)
		require.NotEmpty(t, reason, name)
		if e, ok := errors.AsType[*channel.Error](err); ok {
			require.GreaterOrEqual(t, e.RetryAfter(), time.Duration(0), name)
		}
	}
}

func (s *suite) testLeaksNothing(t *testing.T) {
	cases := s.allCases()
	if !s.Stalled.isZero() {
		cases["stalled"] = s.Stalled
	}
	ended, end := context.WithCancel(t.Context())
	end()
	for name, situation := range cases {
		brief, cancel := context.WithTimeout(t.Context(), shortDeadline)
		for _, ctx := range []context.Context{t.Context(), ended, brief} {
			if name == "stalled" && ctx == t.Context() {
				continue
			}
			c, e := s.newSituation(t, situation)
			secrets := s.secretsOf(e)
			result, err := s.requireSend(ctx, t, c, e)
			require.Empty(t, secrets.foundIn(result, err), name)
			e.Content = foreignContent{}
			result, err = s.requireSend(ctx, t, c, e)
			require.Empty(t, secrets.foundIn(result, err), "%s, foreign content", name)
		}
		cancel()
	}
	for i, content := range s.BadContent {
		c, e := s.newSituation(t, Case{})
		e.Content = content
		result, err := s.requireSend(t.Context(), t, c, e)
		require.Empty(t, s.secretsOf(e).foundIn(result, err), "BadContent[%d]", i)
	}
}

func (s *suite) testCanceledContext(t *testing.T) {
	c, e := s.newSituation(t, Case{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.requireSend(ctx, t, c, e)
	require.Error(t, err, "nothing was sent")
	requireUndecided(t, err)
	if e, ok := errors.AsType[*channel.Error](err); ok {
		require.False(t, e.InDoubt(), "nothing was written, so nothing is in doubt")
	}
}

// shortDeadline is the lifetime of contexts that end during a Send.
const shortDeadline = 50 * time.Millisecond

func (s *suite) testStalledProvider(t *testing.T) {
	c, e := s.newSituation(t, s.Stalled)
	ctx, cancel := context.WithTimeout(t.Context(), shortDeadline)
	defer cancel()
	_, err := s.requireSend(ctx, t, c, e)
	require.Error(t, err, "nobody answered")
	requireUndecided(t, err)
}

// testStalledIsInDoubt proves that a channel whose provider has the request and does not
// answer leaves the outcome in doubt. Temporary would make the engine send it again even
// where a step says that no person may get it twice. It would make package failover ask
// another provider, which does not recognize the repeat of an idempotent one.
func (s *suite) testStalledIsInDoubt(t *testing.T) {
	c, e := s.newSituation(t, s.Stalled)
	ctx, cancel := context.WithTimeout(t.Context(), min(s.Patience/8, time.Second))
	defer cancel()
	requests := new(requestCount)
	_, err := s.requireSend(requests.trace(ctx), t, c, e)
	if requests.begun.Load() > 0 && requests.written.Load() == 0 {
		const why = "the request to Harness.Stalled was not written in time"
		s.noteSkip(why)
		t.Skip(why)
	}
	e2, ok := errors.AsType[*channel.Error](err)
	require.True(t, ok && e2.InDoubt(), "the provider may have taken the message: want channel.InDoubt, not %v", err)
	s.requireFewRequests(t, requests, "stalled")
}

// testUnansweredIsInDoubt proves the same of every fault that reads a request and breaks the
// connection. It sees the requests of net/http alone. If one Send makes several, the
// unanswered one may not be that of the message.
func (s *suite) testUnansweredIsInDoubt(t *testing.T) {
	if s.RequestsPerSend > 1 {
		t.Skip("Harness.RequestsPerSend is more than 1")
	}
	for name, situation := range s.Faults {
		c, e := s.newSituation(t, situation)
		requests := new(requestCount)
		_, err := s.requireSend(requests.trace(t.Context()), t, c, e)
		if requests.written.Load() <= requests.replies.Load() {
			continue
		}
		e2, ok := errors.AsType[*channel.Error](err)
		require.True(t, ok && e2.InDoubt(), "%s: the provider may have taken the message: want channel.InDoubt, not %v", name, err)
	}
}

// testOneRequest proves that Send leaves retries to the engine.
func (s *suite) testOneRequest(t *testing.T) {
	for name, situation := range s.allCases() {
		c, e := s.newSituation(t, situation)
		requests := new(requestCount)
		_, _ = s.requireSend(requests.trace(t.Context()), t, c, e)
		s.requireFewRequests(t, requests, name)
	}
}

func (s *suite) requireFewRequests(t *testing.T, n *requestCount, situation string) {
	t.Helper()
	require.LessOrEqual(t, int(n.written.Load()), s.RequestsPerSend,
		"%s: HTTP requests of one Send (Harness.RequestsPerSend)", situation)
}

// requestCount counts the requests of net/http.
type requestCount struct{ begun, written, replies atomic.Int32 }

// trace returns a context whose requests count.
func (n *requestCount) trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { n.begun.Add(1) },
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			if info.Err == nil {
				n.written.Add(1)
			}
		},
		GotFirstResponseByte: func() { n.replies.Add(1) },
	})
}

// requireUndecided proves that an error leaves the attempt's outcome open: the end of a
// context says nothing about the person or the template.
func requireUndecided(t *testing.T, err error) {
	t.Helper()
	got, _ := verdictOf(channel.Result{}, err)
	require.Equal(t, status.Preparing.String(), got.String(), "the end of a context is no verdict")
}

// foreignContent is content that no adapter knows.
type foreignContent struct{}

func (foreignContent) Vars() []string                                      { return nil }
func (f foreignContent) Render(map[string]string) (channel.Content, error) { return f, nil }

func (s *suite) testRefusedContent(t *testing.T) {
	c, e := s.newSituation(t, Case{})
	checker, checks := c.(channel.ContentChecker)
	if checks {
		require.NoError(t, checker.CheckContent(s.Content), "Harness.Content")
		if !s.TakesAnyContent {
			require.Error(t, checker.CheckContent(foreignContent{}), "content of a foreign kind")
		}
	}
	if !s.TakesAnyContent {
		e.Content = foreignContent{}
		got, reason := verdictOf(s.requireSend(t.Context(), t, c, e))
		require.Equal(t, status.Failed.String(), got.String(), "content of a foreign kind")
		require.NotEmpty(t, reason, "content of a foreign kind")
	}

	for i, content := range s.BadContent {
		if checks && checker.CheckContent(content) != nil {
			continue
		}
		c, e := s.newSituation(t, Case{})
		e.Content = content
		got, reason := verdictOf(s.requireSend(t.Context(), t, c, e))
		require.Contains(t, []string{status.Failed.String(), status.Undeliverable.String()}, got.String(), "BadContent[%d]", i)
		require.NotEmpty(t, reason, "BadContent[%d]", i)
	}
}

func (s *suite) testImmutableContent(t *testing.T) {
	c, e := s.newSituation(t, Case{})
	_, _ = s.requireSend(t.Context(), t, c, e)
	require.Equal(t, s.contentBefore, dumpValue(s.Content), "contents are immutable")
}

func (s *suite) testSize(t *testing.T) {
	c, _ := s.newSituation(t, Case{})
	sizer, ok := c.(channel.Sizer)
	if !ok {
		t.Skip("the channel is no channel.Sizer")
	}
	for i, content := range append([]channel.Content{s.Content, foreignContent{}}, s.BadContent...) {
		require.GreaterOrEqual(t, sizer.Size(content), 1, "Size of content %d", i)
	}
}

func (s *suite) testBraces(t *testing.T, text channel.Text) {
	c, e := s.newSituation(t, Case{})
	want, _ := verdictOf(s.requireSend(t.Context(), t, c, e))
	for _, value := range []channel.Text{"{{code}}", "{{", "}}", "{{ no name }}"} {
		c, e := s.newSituation(t, Case{})
		e.Content = text + " " + value
		got, _ := verdictOf(s.requireSend(t.Context(), t, c, e))
		require.Equal(t, want.String(), got.String(), "a value that holds %q", string(value))
	}
}

func (s *suite) testConcurrentSends(t *testing.T) {
	const senders, each = 8, 4
	c, e := s.newSituation(t, Case{})
	var (
		wg  sync.WaitGroup
		mu  sync.Mutex
		ids = make(map[string]bool)
	)
	for range senders {
		wg.Go(func() {
			for range each {
				e := e
				e.AttemptID = uuid.New()
				a := s.trySend(t.Context(), c, e)
				if a.err != nil || a.broken != "" {
					t.Errorf("Send: %v %s", a.err, a.broken)
					return
				}
				id := a.result.ProviderID
				mu.Lock()
				if id != "" && ids[id] {
					t.Error("two attempts have the same provider ID")
				}
				ids[id] = true
				mu.Unlock()
				_, _ = c.Name(), c.Traits()
			}
		})
	}
	wg.Wait()
}

func (s *suite) testIdempotency(t *testing.T) {
	c, e := s.newSituation(t, Case{})
	if !c.Traits().Idempotent {
		t.Skip("Traits.Idempotent is false")
	}
	first, err := s.requireSend(t.Context(), t, c, e)
	require.NoError(t, err)
	e.Try = 2
	second, err := s.requireSend(t.Context(), t, c, e)
	require.NoError(t, err)
	require.Equal(t, first.ProviderID, second.ProviderID, "the same attempt, the same message")
}
