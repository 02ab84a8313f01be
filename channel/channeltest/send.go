package channeltest

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/status"
)

// open returns a case's channel, and an envelope for its person.
func (s *suite) open(t *testing.T, c Case) (channel.Channel, channel.Envelope) {
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

// cases are every situation in which Send must answer by itself.
func (s *suite) cases() map[string]Case {
	all := map[string]Case{"reachable": {}}
	for name, c := range s.Unreachable {
		all["unreachable "+name] = c
	}
	for name, c := range s.Faults {
		all["fault "+name] = c
	}
	return all
}

// answer is what came of a Send. broken says that it panicked or did not return.
type answer struct {
	result channel.Result
	err    error
	broken string
}

// try calls Send.
func (s *suite) try(ctx context.Context, c channel.Channel, e channel.Envelope) answer {
	answers := make(chan answer, 1)
	go func() {
		var a answer
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
		return answer{broken: fmt.Sprintf("Send has not returned after %v", s.Patience)}
	}
}

// send calls Send, and fails the test if it panics or does not return.
func (s *suite) send(ctx context.Context, t *testing.T, c channel.Channel, e channel.Envelope) (channel.Result, error) {
	t.Helper()
	a := s.try(ctx, c, e)
	require.Empty(t, a.broken)
	return a.result, a.err
}

// verdict is what the engine makes of an answer.
func verdict(result channel.Result, err error) (status.Status, status.Reason) {
	if err == nil {
		return result.Status, result.Reason
	}
	if e, ok := errors.AsType[*channel.Error](err); ok {
		return e.Status(), e.Reason()
	}
	return status.Preparing, status.SystemError
}

func machine(c channel.Channel) *status.Machine {
	if m := c.Traits().Machine; m != nil {
		return m
	}
	return status.Default
}

var names = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)

func (s *suite) constant(t *testing.T) {
	c, e := s.open(t, Case{})
	name, traits := c.Name(), c.Traits()
	require.Regexp(t, names, string(name), "a name is short and lower case")
	require.GreaterOrEqual(t, traits.Validity, time.Duration(0), "Traits.Validity")
	_, _ = s.send(t.Context(), t, c, e)
	require.Equal(t, name, c.Name(), "Name after a Send")
	require.Equal(t, traits, c.Traits(), "Traits after a Send")
	another, _ := s.open(t, Case{})
	require.Equal(t, name, another.Name(), "Name of another channel")
}

func (s *suite) reached(t *testing.T) {
	c, e := s.open(t, Case{})
	result, err := s.send(t.Context(), t, c, e)
	require.NoError(t, err)
	require.Contains(t, []status.Status{status.Accepted, status.Delivered}, result.Status)
	require.Empty(t, result.Reason, "nothing is wrong")
	_, receives := c.(channel.Receiver)
	_, listens := c.(channel.Listener)
	if result.Status == status.Accepted && (receives || listens) {
		require.NotEmpty(t, result.ProviderID, "without it no receipt finds its attempt")
	}
}

func (s *suite) legal(t *testing.T) {
	for name, situation := range s.cases() {
		c, e := s.open(t, situation)
		result, err := s.send(t.Context(), t, c, e)
		if err != nil {
			continue
		}
		m := machine(c)
		require.NotEqual(t, status.Preparing, result.Status,
			"%s: a nil error says that the provider answered", name)
		require.True(t, result.Status == m.Initial() || m.Can(m.Initial(), result.Status),
			"%s: the machine has no edge from %v to %v", name, m.Initial(), result.Status)
	}
}

func (s *suite) undeliverable(t *testing.T) {
	for name, situation := range s.Unreachable {
		c, e := s.open(t, situation)
		got, reason := verdict(s.send(t.Context(), t, c, e))
		require.Equal(t, status.Undeliverable, got, name)
		require.NotEmpty(t, reason, name)
	}
}

func (s *suite) faulty(t *testing.T) {
	for name, situation := range s.Faults {
		c, e := s.open(t, situation)
		result, err := s.send(t.Context(), t, c, e)
		got, reason := verdict(result, err)
		require.NotEqual(t, status.Delivered, got, "%s: nobody was reached", name)
		require.NotEqual(t, status.Accepted, got, "%s: nobody has it", name)
		require.NotEmpty(t, reason, name)
		if e, ok := errors.AsType[*channel.Error](err); ok {
			require.GreaterOrEqual(t, e.RetryAfter(), time.Duration(0), name)
		}
	}
}

func (s *suite) discreet(t *testing.T) {
	cases := s.cases()
	if !s.Stalled.isZero() {
		cases["stalled"] = s.Stalled
	}
	ended, end := context.WithCancel(t.Context())
	end()
	for name, situation := range cases {
		brief, cancel := context.WithTimeout(t.Context(), moment)
		for _, ctx := range []context.Context{t.Context(), ended, brief} {
			if name == "stalled" && ctx == t.Context() {
				continue
			}
			c, e := s.open(t, situation)
			secrets := s.secrets(e)
			result, err := s.send(ctx, t, c, e)
			require.Empty(t, secrets.in(result, err), name)
			e.Content = foreign{}
			result, err = s.send(ctx, t, c, e)
			require.Empty(t, secrets.in(result, err), "%s, foreign content", name)
		}
		cancel()
	}
	for i, content := range s.BadContent {
		c, e := s.open(t, Case{})
		e.Content = content
		result, err := s.send(t.Context(), t, c, e)
		require.Empty(t, s.secrets(e).in(result, err), "BadContent[%d]", i)
	}
}

func (s *suite) canceled(t *testing.T) {
	c, e := s.open(t, Case{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.send(ctx, t, c, e)
	require.Error(t, err, "nothing was sent")
	requireOpen(t, err)
	if e, ok := errors.AsType[*channel.Error](err); ok {
		require.False(t, e.InDoubt(), "nothing was written, so nothing is in doubt")
	}
}

// moment is how long the contexts live that end while Send is at work.
const moment = 50 * time.Millisecond

func (s *suite) stalled(t *testing.T) {
	c, e := s.open(t, s.Stalled)
	ctx, cancel := context.WithTimeout(t.Context(), moment)
	defer cancel()
	_, err := s.send(ctx, t, c, e)
	require.Error(t, err, "nobody answered")
	requireOpen(t, err)
}

// requireOpen proves that an error leaves the attempt's outcome open: the end of a
// context says nothing about the person or the template.
func requireOpen(t *testing.T, err error) {
	t.Helper()
	got, _ := verdict(channel.Result{}, err)
	require.Equal(t, status.Preparing, got, "the end of a context is no verdict")
}

// foreign is content that no adapter knows.
type foreign struct{}

func (foreign) Vars() []string                                      { return nil }
func (f foreign) Render(map[string]string) (channel.Content, error) { return f, nil }

func (s *suite) choosy(t *testing.T) {
	c, e := s.open(t, Case{})
	checker, checks := c.(channel.ContentChecker)
	if checks {
		require.NoError(t, checker.CheckContent(s.Content), "Harness.Content")
		require.Error(t, checker.CheckContent(foreign{}), "content of a foreign kind")
	}
	e.Content = foreign{}
	got, reason := verdict(s.send(t.Context(), t, c, e))
	require.Equal(t, status.Failed, got, "content of a foreign kind")
	require.NotEmpty(t, reason, "content of a foreign kind")

	for i, content := range s.BadContent {
		if checks && checker.CheckContent(content) != nil {
			continue
		}
		c, e := s.open(t, Case{})
		e.Content = content
		got, reason := verdict(s.send(t.Context(), t, c, e))
		require.Contains(t, []status.Status{status.Failed, status.Undeliverable}, got, "BadContent[%d]", i)
		require.NotEmpty(t, reason, "BadContent[%d]", i)
	}
}

func (s *suite) unchanged(t *testing.T) {
	c, e := s.open(t, Case{})
	_, _ = s.send(t.Context(), t, c, e)
	require.Equal(t, s.before, fmt.Sprintf("%#v", s.Content), "contents are immutable")
}

func (s *suite) braces(t *testing.T, text channel.Text) {
	c, e := s.open(t, Case{})
	want, _ := verdict(s.send(t.Context(), t, c, e))
	for _, value := range []channel.Text{"{{code}}", "{{", "}}", "{{ no name }}"} {
		c, e := s.open(t, Case{})
		e.Content = text + " " + value
		got, _ := verdict(s.send(t.Context(), t, c, e))
		require.Equal(t, want, got, "a value that holds %q", value)
	}
}

func (s *suite) concurrent(t *testing.T) {
	const senders, each = 8, 4
	c, e := s.open(t, Case{})
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
				a := s.try(t.Context(), c, e)
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

func (s *suite) idempotent(t *testing.T) {
	c, e := s.open(t, Case{})
	if !c.Traits().Idempotent {
		t.Skip("Traits.Idempotent is false")
	}
	first, err := s.send(t.Context(), t, c, e)
	require.NoError(t, err)
	e.Try = 2
	second, err := s.send(t.Context(), t, c, e)
	require.NoError(t, err)
	require.Equal(t, first.ProviderID, second.ProviderID, "the same attempt, the same message")
}
