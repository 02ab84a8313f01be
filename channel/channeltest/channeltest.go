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
// its own. A rule that needs an empty field of the Harness is skipped, and the skipped
// subtest names that field.
package channeltest

import (
	"cmp"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
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
	// channel, so that Webhook or Report stays nil.
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
	requireReceiverHarness(t, h)
	s := &suite{Harness: h, contentBefore: dump(h.Content)}
	var missing []string
	for _, r := range s.rules() {
		if r.missing != "" && !slices.Contains(missing, r.missing) {
			missing = append(missing, r.missing)
		}
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			if r.missing != "" {
				t.Skip(r.missing)
			}
			r.test(t)
		})
	}
	if len(missing) > 0 { // a skipped subtest shows only with -v
		_, _ = fmt.Fprintf(os.Stderr, "channeltest: %s skips rules: %s\n", t.Name(), strings.Join(missing, ", "))
	}
}

// requireReceiverHarness fails the test if the channel gets receipts and the harness has
// none to give it: then nothing proves the half of the contract that ends messages.
func requireReceiverHarness(t *testing.T, h Harness) {
	t.Helper()
	if h.Webhook != nil || h.Report != nil || h.NoReceipts {
		return
	}
	c := h.Channel(t)
	_, receives := c.(channel.Receiver)
	require.False(t, receives, "Harness.Webhook is required: the channel is a channel.Receiver")
	_, listens := c.(channel.Listener)
	require.False(t, listens, "Harness.Report is required: the channel is a channel.Listener")
}

type suite struct {
	Harness
	contentBefore string // Harness.Content, dumped before any send
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
	webhook := unless(s.Webhook != nil, "Harness.Webhook is nil")
	forged := unless(s.Webhook != nil && s.Webhook.Forged != nil, "Harness.Webhook has no Forged")
	has := func(name string, is func(w *Webhook) bool) string {
		return unless(s.Webhook != nil && is(s.Webhook), "Harness.Webhook has no "+name)
	}
	undelivered := has("Undelivered", func(w *Webhook) bool { return w.Undelivered != nil })
	several := has("Several", func(w *Webhook) bool { return w.Several != nil })
	unknown := has("Unknown", func(w *Webhook) bool { return w.Unknown != nil })
	malformed := unless(s.Webhook != nil && s.Webhook.Malformed != nil, "Harness.Webhook has no Malformed")
	session := unless(s.Report != nil, "Harness.Report is nil")

	return []rule{
		{"name and traits are constant", "", s.testConstantTraits},
		{"a reachable person is reached", "", s.testReachable},
		{"an answer is a status the machine allows", "", s.testLegalStatus},
		{"an unreachable person is undeliverable", unreachable, s.testUnreachable},
		{"a fault is an error or a failure", faults, s.testFaults},
		{"an error reveals no secret", "", s.testLeaksNothing},
		{"Send sends nothing after its context ended", "", s.testCanceledContext},
		{"Send returns when its context ends", stalled, s.testStalledProvider},
		{"unsupported content is refused", "", s.testRefusedContent},
		{"a request without an answer is in doubt", stalled, s.testStalledIsInDoubt},
		{"one Send is one request", faults, s.testOneRequest},
		{"content is not changed", "", s.testImmutableContent},
		{"every content has a size", "", s.testSize},
		{
			"braces in rendered content are plain text",
			unless(isText, "Harness.Content is no channel.Text"),
			func(t *testing.T) { s.testBraces(t, text) },
		},
		{"concurrent sends are safe", "", s.testConcurrentSends},
		{"an idempotent channel recognizes a repeated attempt", "", s.testIdempotency},

		{"a call is answered after its receipt is stored", webhook, s.testAnswerAfterStore},
		{"a call's receipt names its message", webhook, s.testWebhookReceipt},
		{"a call whose receipt is not stored gets 503", webhook, s.testStoreFailure},
		{"a call with a wrong signature gets 401", forged, s.testForgedCall},
		{"a call with an oversize body gets 413", webhook, s.testOversizeCall},
		{"a call that makes no sense gets 400", malformed, s.testMalformedCall},

		{"a call about a message that did not arrive says why", undelivered, s.testUndelivered},
		{"the receipts of a call are stored together", several, s.testSeveralReceipts},
		{"a status to come is no failure", unknown, s.testUnknownStatus},

		{"a session's receipt names its message", session, s.testSessionReceipt},
		{"a session repeats what was not stored", session, s.testSessionRepeats},
		{"listening ends with its context", session, s.testListenEnds},
	}
}
