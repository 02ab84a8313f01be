// Package channeltest is the suite that every channel adapter passes.
//
//	func TestFax(t *testing.T) {
//		channeltest.Run(t, channeltest.Harness{
//			Channel: func(t *testing.T) channel.Channel { return fax.New(fakeModem(t)) },
//			Content: channel.Text("Your order has shipped"),
//			To:      channel.Recipient{Phone: number},
//		})
//	}
//
// Each rule of the contract in package channel is a subtest of its own, with a channel of
// its own. A rule that needs an empty field of the Harness is skipped. The skipped subtest
// names that field, and so does the end of the test's output, without -v too. (With a list
// of packages, go test shows no output of a package that passes.)
package channeltest

import (
	"cmp"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
)

// Harness is an adapter with a provider to talk to: usually a fake one, such as an
// httptest.Server. Subtests run in parallel.
type Harness struct {
	// Channel returns a new channel whose provider takes every message for To.
	// Required.
	Channel func(t *testing.T) channel.Channel
	// Content is rendered content that the channel takes. Required.
	Content channel.Content
	// To is a person whom the channel reaches. Required.
	To channel.Recipient

	// Unreachable are people whom the channel cannot reach, and recipients that lack the
	// address that the channel needs, by case name.
	Unreachable map[string]Case
	// Faults are failing providers, by case name: a refused connection, a server error,
	// throttling, wrong credentials, an answer that makes no sense. A provider that repeats
	// more of the request in its words makes a better test.
	Faults map[string]Case
	// Stalled is a provider that takes the request and does not answer within Patience.
	Stalled Case
	// BadContent is rendered content of the right kind that the channel cannot take. The
	// suite always tries content of a foreign kind.
	BadContent []channel.Content
	// TakesAnyContent says that the channel takes content of every kind, as a simulated one
	// does. Other channels must refuse a kind that they do not know.
	TakesAnyContent bool
	// Secrets are texts that no error may hold: the credentials, and the words of a Content
	// that is not a channel.Text.
	Secrets []string

	// Webhook makes the provider's calls, for a channel.Receiver.
	Webhook *Webhook
	// Report makes the provider report over the channel's session that a message arrived,
	// for a channel.Listener. It does nothing if the provider reports by itself.
	Report func(t *testing.T, c channel.Channel, providerID string)
	// RequestsPerSend is how many HTTP requests one Send makes at most. Defaults to 1.
	RequestsPerSend int
	// NoReceipts says that the provider's calls or its session hold no receipts of this
	// channel. A channel.Receiver needs a Webhook without it, and a channel.Listener a Report.
	NoReceipts bool

	// Patience is how long the suite waits for an expected event. Defaults to 10 seconds.
	Patience time.Duration
}

// Case is a situation. A zero field takes the Harness's value.
type Case struct {
	Channel func(t *testing.T) channel.Channel
	To      channel.Recipient
}

func (c Case) isZero() bool { return c.Channel == nil && c.To.IsZero() }

// Webhook makes calls as the provider does. Each function returns a new request whose body
// has not been read.
type Webhook struct {
	// Request returns a genuine, signed call with a receipt of the message. Required.
	Request func(t *testing.T, c channel.Channel, providerID string) *http.Request
	// Forged returns a call like Request's with a wrong signature. Leave it nil only if the
	// provider cannot sign.
	Forged func(t *testing.T, c channel.Channel, providerID string) *http.Request
	// Malformed returns a genuine, signed call that makes no sense.
	Malformed func(t *testing.T, c channel.Channel) *http.Request
	// Undelivered returns a genuine, signed call that a message did not arrive.
	Undelivered func(t *testing.T, c channel.Channel, providerID string) *http.Request
	// Several returns a genuine, signed call with a receipt of each message. Leave it nil if
	// the provider's calls are about one message each.
	Several func(t *testing.T, c channel.Channel, providerIDs []string) *http.Request
	// Unknown returns a genuine, signed call about a message, with a status that the
	// provider does not have yet.
	Unknown func(t *testing.T, c channel.Channel, providerID string) *http.Request
}

// Run proves that the harness's channel keeps the contract, one subtest for each rule.
func Run(t *testing.T, h Harness) {
	t.Helper()
	require.NotNil(t, h.Channel, "Harness.Channel is required")
	require.NotNil(t, h.Content, "Harness.Content is required")
	require.False(t, h.To.IsZero(), "Harness.To is required")
	h.Patience = cmp.Or(h.Patience, 10*time.Second)
	h.RequestsPerSend = cmp.Or(h.RequestsPerSend, 1)
	s := &suite{Harness: h, contentBefore: dumpValue(h.Content)}
	c := h.Channel(t)
	_, s.receives = c.(channel.Receiver)
	_, s.listens = c.(channel.Listener)
	s.requireReceiptSource(t)
	t.Cleanup(func() { // a skipped subtest shows only with -v
		if len(s.skipped) > 0 {
			_, _ = fmt.Fprintf(os.Stderr, "channeltest: %s skips rules: %s\n", t.Name(), strings.Join(s.skipped, ", "))
		}
	})
	for _, r := range s.rules() {
		if r.missing != "" {
			s.noteSkip(r.missing)
		}
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			if r.missing != "" {
				t.Skip(r.missing)
			}
			r.test(t)
		})
	}
}

// requireReceiptSource fails the test if the channel gets receipts and the harness has none to
// give it: then nothing proves the half of the contract that ends messages.
func (s *suite) requireReceiptSource(t *testing.T) {
	t.Helper()
	if s.Webhook != nil {
		require.True(t, s.receives, "Harness.Webhook is set, but the channel is no channel.Receiver")
		require.NotNil(t, s.Webhook.Request, "Harness.Webhook.Request is required")
	}
	if s.Report != nil {
		require.True(t, s.listens, "Harness.Report is set, but the channel is no channel.Listener")
	}
	if s.NoReceipts {
		return
	}
	require.False(t, s.receives && s.Webhook == nil, "Harness.Webhook is required: the channel is a channel.Receiver")
	require.False(t, s.listens && s.Report == nil, "Harness.Report is required: the channel is a channel.Listener")
}

type suite struct {
	Harness
	contentBefore     string // Harness.Content, dumped before any send
	receives, listens bool   // the channel is a channel.Receiver, a channel.Listener

	mu      sync.Mutex
	skipped []string // why rules were skipped that hold for the channel
}

// noteSkip has Run say why it skips a rule.
func (s *suite) noteSkip(why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.skipped, why) {
		s.skipped = append(s.skipped, why)
	}
}

// rule is one sentence of the contract. missing names the Harness field that the rule
// needs, if that field is empty.
type rule struct {
	name    string
	missing string
	test    func(t *testing.T)
}

func (s *suite) rules() []rule {
	unless := func(ok bool, missing string) string {
		if ok {
			return ""
		}
		return missing
	}
	unreachable := unless(len(s.Unreachable) > 0, "Harness.Unreachable is empty")
	faults := unless(len(s.Faults) > 0, "Harness.Faults is empty")
	stalled := unless(!s.Stalled.isZero(), "Harness.Stalled is zero")
	text, isText := s.Content.(channel.Text)

	all := []rule{
		{"name and traits are constant", "", s.testConstantTraits},
		{"a reachable person is reached", "", s.testReachable},
		{"an answer is a status the machine allows", "", s.testLegalStatus},
		{"an unreachable person is undeliverable", unreachable, s.testUnreachable},
		{"a fault is an error or a failure", faults, s.testFaults},
		{"a written request without an answer is in doubt", faults, s.testUnansweredIsInDoubt},
		{"an error reveals no secret", "", s.testLeaksNothing},
		{"Send sends nothing after its context ended", "", s.testCanceledContext},
		{"Send returns when its context ends", stalled, s.testStalledProvider},
		{"unsupported content is refused", "", s.testRefusedContent},
		{"a request without an answer is in doubt", stalled, s.testStalledIsInDoubt},
		{"one Send is one request", faults, s.testOneRequest},
		{"content is not changed", "", s.testImmutableContent},
		{"every content has a size", "", s.testSize},
		{"a provider that is asked says what it knows", "", s.testQuery},
		{"Query returns when its context ends", "", s.testQueryEnds},
		{"a provider that is to take a message back says how that ended", "", s.testRecall},
		{"Recall returns when its context ends", "", s.testRecallEnds},
		{
			"braces in rendered content are plain text",
			unless(isText, "Harness.Content is no channel.Text"),
			func(t *testing.T) { s.testBraces(t, text) },
		},
		{"concurrent sends are safe", "", s.testConcurrentSends},
		{"an idempotent channel recognizes a repeated attempt", "", s.testIdempotency},
	}
	if w := s.Webhook; w != nil {
		missing := func(is bool, name string) string { return unless(is, "Harness.Webhook has no "+name) }
		all = append(
			all,
			rule{"a call is answered after its receipt is stored", "", s.testAnswerAfterStore},
			rule{"a call's receipt names its message", "", s.testWebhookReceipt},
			rule{"a call whose receipt is not stored gets 503", "", s.testStoreFailure},
			rule{"a call with a wrong signature gets 401", missing(w.Forged != nil, "Forged"), s.testForgedCall},
			rule{"a call with an oversize body gets 413", "", s.testOversizeCall},
			rule{"a call that makes no sense gets 400", missing(w.Malformed != nil, "Malformed"), s.testMalformedCall},
			rule{"a call about a message that did not arrive says why", missing(w.Undelivered != nil, "Undelivered"), s.testUndelivered},
			rule{"the receipts of a call are stored together", missing(w.Several != nil, "Several"), s.testSeveralReceipts},
			rule{"a status to come says nothing new", missing(w.Unknown != nil, "Unknown"), s.testUnknownStatus},
		)
	}
	if s.Report != nil {
		all = append(
			all,
			rule{"a session's receipt names its message", "", s.testSessionReceipt},
			rule{"a session repeats what was not stored", "", s.testSessionRepeats},
			rule{"listening ends with its context", "", s.testListenEnds},
		)
	}
	return all
}
