package channeltest_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/channeltest"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/status"
)

const (
	secret   = "fax-secret-4f1c"
	lineUser = "U4af4980629ba1e1d3c2f6a57c1b1c9d2"
)

func number(t *testing.T, e164 string) phone.Number {
	t.Helper()
	n, err := phone.Parse(e164)
	require.NoError(t, err)
	return n
}

// fax is a channel that keeps the contract except for its flaw.
type fax struct {
	flaw  string
	fault error

	mu      sync.Mutex
	sends   int
	taken   map[uuid.UUID]string
	reports chan channel.Receipt
}

func newFax(flaw string, fault error) *fax {
	return &fax{flaw: flaw, fault: fault, taken: make(map[uuid.UUID]string), reports: make(chan channel.Receipt, 100)}
}

func (f *fax) Name() channel.Name {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.flaw == "another name after a Send" && f.sends > 0 {
		return "telex"
	}
	if f.flaw == "a name in capitals" {
		return "FAX"
	}
	return "fax"
}

func (f *fax) Traits() channel.Traits {
	f.mu.Lock()
	defer f.mu.Unlock()
	return channel.Traits{
		Machine:    status.SMS,
		Idempotent: f.flaw != "calls a time-out temporary",
		Validity:   time.Hour,
		Reads:      f.flaw == "other traits after a Send" && f.sends > 0,
	}
}

func (f *fax) CheckContent(c channel.Content) error {
	if _, ok := textOf(c); !ok && f.flaw != "checks nothing" {
		return fmt.Errorf("fax: content is a %T", c)
	}
	return nil
}

// Size returns how many pages a content has.
func (f *fax) Size(c channel.Content) int {
	text, _ := textOf(c)
	if f.flaw == "a size of zero" {
		return len(text) / 100
	}
	return 1 + len(text)/100
}

// mutableContent is content that a channel can change.
type mutableContent struct{ text []byte }

func (p *mutableContent) Vars() []string                                    { return nil }
func (p *mutableContent) Render(map[string]string) (channel.Content, error) { return p, nil }

// textOf returns the text of content that a fax takes.
func textOf(c channel.Content) (string, bool) {
	switch c := c.(type) {
	case channel.Text:
		return string(c), true
	case *mutableContent:
		return string(c.text), true
	default:
		return "", false
	}
}

func (f *fax) Send(ctx context.Context, e channel.Envelope) (channel.Result, error) {
	switch f.flaw {
	case "panics":
		panic("fax: paper jam")
	case "never returns":
		<-context.Background().Done()
	}
	if err := ctx.Err(); err != nil && f.flaw != "ignores a context that has ended" {
		switch f.flaw {
		case "the end of a context is a verdict":
			return channel.Result{}, channel.Failed(status.SystemError, "canceled")
		case "doubts what it did not send":
			return channel.Result{}, channel.InDoubt(err)
		}
		return channel.Result{}, channel.Temporary(err, 0)
	}
	text, ok := textOf(e.Content)
	if !ok && f.flaw != "sends anything" {
		return channel.Result{}, channel.Failed(status.TemplateConfig, "not a content for a fax")
	}
	if text == "" && f.flaw != "sends anything" && f.flaw != "sends an empty page" {
		return channel.Result{}, channel.Undeliverable(status.ContentRejected, "nothing to print")
	}
	if strings.Contains(text, "{{") && f.flaw == "expands again" {
		return channel.Result{}, channel.Failed(status.TemplateConfig, "a variable was left over")
	}
	if f.fault != nil {
		return f.fail(ctx, e)
	}
	if e.To.Phone.IsZero() {
		switch f.flaw {
		case "no reason":
			return channel.Result{Status: status.Undeliverable}, nil
		case "tries again what cannot work":
			return channel.Result{}, errors.New("fax: no number")
		}
		return channel.Result{}, channel.Undeliverable(status.InvalidNumber, "no number")
	}
	return f.transmit(e)
}

func (f *fax) transmit(e channel.Envelope) (channel.Result, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sends++
	id, known := f.taken[e.AttemptID]
	if !known || f.flaw == "sends an attempt twice" {
		id = fmt.Sprintf("fax-%d", f.sends)
		if f.flaw == "one provider ID for all" {
			id = "fax-1"
		}
		f.taken[e.AttemptID] = id
	}
	switch f.flaw {
	case "delivered in the answer":
		return channel.Result{Status: status.Delivered, ProviderID: id}, nil
	case "nil for a no-op":
		return channel.Result{}, nil
	case "an unreachable status":
		return channel.Result{Status: status.Delivered + 1, ProviderID: id}, nil
	case "no provider ID":
		id = ""
	case "changes the content":
		e.Content.(*mutableContent).text[0] = 'x'
	}
	return channel.Result{Status: status.Accepted, ProviderID: id}, nil
}

// fail simulates a failing provider that repeats the request in its words.
func (f *fax) fail(ctx context.Context, e channel.Envelope) (channel.Result, error) {
	echo := func(s string) (channel.Result, error) {
		return channel.Result{}, channel.Temporary(fmt.Errorf("fax: POST /send: 500: %s", s), 0)
	}
	text, _ := textOf(e.Content)
	switch f.flaw {
	case "a fault is a success":
		return channel.Result{Status: status.Accepted, ProviderID: "fax-0"}, nil
	case "a fault without a reason":
		return channel.Result{}, channel.Failed("", "500")
	case "leaks the number":
		return echo("no answer from " + e.To.Phone.E164())
	case "leaks a piece of the number":
		return echo("extension " + e.To.Phone.E164()[5:11])
	case "leaks the number with dashes":
		return echo("0912-345-678")
	case "leaks the number in a wrapped error":
		return channel.Result{}, channel.Temporary(opaqueError{errors.New(e.To.Phone.E164())}, 0)
	case "leaks the number in a detail":
		return channel.Result{Status: status.Failed, Reason: status.SystemError, Detail: e.To.Phone.E164()}, nil
	case "leaks the LINE user ID":
		return echo(e.To.LINEUserID)
	case "leaks the text":
		return echo(text)
	case "leaks the text escaped":
		return echo(strings.ReplaceAll(text, " ", "%20"))
	case "leaks the secret":
		return echo(secret)
	}
	if errors.Is(f.fault, errStalled) {
		if f.flaw == "ignores its context" {
			<-context.Background().Done()
		}
		<-ctx.Done()
		if f.flaw == "gives up for good when its context ends" {
			return channel.Result{}, channel.Undeliverable(status.CarrierError, "timed out")
		}
		if f.flaw == "calls a time-out temporary" {
			return channel.Result{}, channel.Temporary(ctx.Err(), 0)
		}
		return channel.Result{}, channel.InDoubt(ctx.Err())
	}
	return channel.Result{}, channel.Temporary(f.fault, time.Second)
}

var errStalled = errors.New("fax: the line is silent")

// opaqueError hides the text of the error that it wraps.
type opaqueError struct{ err error }

func (opaqueError) Error() string   { return "fax: it failed" }
func (q opaqueError) Unwrap() error { return q.err }

type report struct {
	ID     string        `json:"id"`
	Status status.Status `json:"status"`
}

const limit = 1 << 20

func sign(body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

func (f *fax) ReceiptHandler(s channel.Sink) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
		if f.flaw == "reads everything" && err != nil {
			_, _ = io.Copy(io.Discard, r.Body)
		}
		if err != nil && f.flaw != "takes any size" {
			http.Error(w, "too large", http.StatusRequestEntityTooLarge)
			return
		}
		if !hmac.Equal([]byte(r.Header.Get("X-Signature")), []byte(sign(body))) && f.flaw != "trusts anyone" {
			http.Error(w, "wrong signature", http.StatusUnauthorized)
			return
		}
		var rep report
		if err := json.Unmarshal(body, &rep); err != nil && f.flaw != "takes any nonsense" {
			http.Error(w, "malformed", http.StatusBadRequest)
			return
		}
		if f.flaw == "answers first" {
			w.WriteHeader(http.StatusOK)
		}
		receipt := f.receipt(rep)
		err = s(r.Context(), receipt)
		if f.flaw == "a receipt twice in one call" {
			err = s(r.Context(), receipt)
		}
		if err != nil && f.flaw != "hides that the sink failed" {
			http.Error(w, "try again", http.StatusServiceUnavailable)
		}
	})
}

func (f *fax) receipt(rep report) channel.Receipt {
	r := channel.Receipt{Channel: f.Name(), ProviderID: rep.ID, Status: rep.Status}
	switch f.flaw {
	case "a receipt of another channel":
		r.Channel = "telex"
	case "a receipt of another message":
		r.ProviderID += "0"
	case "a receipt with an unknown status":
		r.Status = status.Delivered + 1
	case "a receipt that was read":
		r.Read = true
	case "a receipt without a reason":
		r.Status = status.Undeliverable
	}
	return r
}

func (f *fax) Listen(ctx context.Context, s channel.Sink) error {
	for {
		if f.flaw == "listens for ever" {
			ctx = context.WithoutCancel(ctx)
		}
		select {
		case r := <-f.reports:
			if err := s(ctx, r); err != nil && f.flaw != "forgets what the sink refused" {
				f.reports <- r
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// faxHarness returns a harness with the provider's side of a fax.
func faxHarness(t *testing.T, flaw string) channeltest.Harness {
	with := func(fault error) func(*testing.T) channel.Channel {
		return func(*testing.T) channel.Channel { return newFax(flaw, fault) }
	}
	request := func(body, signature string) *http.Request {
		r := httptest.NewRequest(http.MethodPost, "/receipts", strings.NewReader(body))
		r.Header.Set("X-Signature", signature)
		return r
	}
	arrived := func(id string) string {
		body, err := json.Marshal(report{ID: id, Status: status.Delivered})
		require.NoError(t, err)
		return string(body)
	}
	h := channeltest.Harness{
		Channel:     with(nil),
		Content:     channel.Text("Your order has shipped and will arrive on Friday"),
		To:          channel.Recipient{Phone: number(t, "+886912345678"), LINEUserID: lineUser},
		Unreachable: map[string]channeltest.Case{"no number": {To: channel.Recipient{LINEUserID: lineUser}}},
		Faults:      map[string]channeltest.Case{"server error": {Channel: with(errors.New("fax: 500"))}},
		Stalled:     channeltest.Case{Channel: with(errStalled)},
		BadContent:  []channel.Content{channel.Text("")},
		Secrets:     []string{secret},
		Webhook: &channeltest.Webhook{
			Request: func(_ *testing.T, _ channel.Channel, id string) *http.Request {
				return request(arrived(id), sign([]byte(arrived(id))))
			},
			Forged: func(_ *testing.T, _ channel.Channel, id string) *http.Request {
				return request(arrived(id), sign([]byte("something else")))
			},
			Malformed: func(*testing.T, channel.Channel) *http.Request {
				return request("{", sign([]byte("{")))
			},
		},
		Report: func(_ *testing.T, c channel.Channel, id string) {
			f := c.(*fax)
			f.reports <- f.receipt(report{ID: id, Status: status.Delivered})
		},
		Patience: 2 * time.Second,
	}
	switch flaw {
	case "changes the content":
		h.Content = &mutableContent{[]byte("Your order has shipped")}
	case "":
		h.Patience = 0
	}
	return h
}

func TestRun_PassesCorrectChannel(t *testing.T) {
	t.Parallel()
	channeltest.Run(t, faxHarness(t, ""))
}

// flaws maps each flaw of a channel to the rules that catch it. No other rule fails, except
// that everything stands for any rules: the flaw breaks them all, or may do so under the
// race detector.
var flaws = map[string][]string{
	"another name after a Send": {"name and traits are constant"},
	"other traits after a Send": {"name and traits are constant"},
	"a name in capitals":        {"name and traits are constant"},

	"no provider ID":          {"a reachable person is reached"},
	"nil for a no-op":         {"a reachable person is reached", "an answer is a status the machine allows"},
	"an unreachable status":   {"a reachable person is reached", "an answer is a status the machine allows"},
	"panics":                  {"a reachable person is reached", everything},
	"never returns":           {"a reachable person is reached", everything},
	"one provider ID for all": {"concurrent sends are safe"},
	"sends an attempt twice":  {"an idempotent channel recognizes a repeated attempt"},

	"no reason":                           {"an unreachable person is undeliverable"},
	"tries again what cannot work":        {"an unreachable person is undeliverable"},
	"a fault is a success":                {"a fault is an error or a failure", "Send returns when its context ends"},
	"a fault without a reason":            {"a fault is an error or a failure", "Send returns when its context ends"},
	"leaks the number":                    {"an error reveals no secret"},
	"leaks a piece of the number":         {"an error reveals no secret"},
	"leaks the number with dashes":        {"an error reveals no secret"},
	"leaks the number in a wrapped error": {"an error reveals no secret"},
	"leaks the number in a detail":        {"an error reveals no secret", "Send returns when its context ends"},
	"leaks the LINE user ID":              {"an error reveals no secret"},
	"leaks the text":                      {"an error reveals no secret"},
	"leaks the text escaped":              {"an error reveals no secret"},
	"leaks the secret":                    {"an error reveals no secret"},

	"ignores a context that has ended":        {"Send sends nothing after its context ended"},
	"the end of a context is a verdict":       {"Send sends nothing after its context ended"},
	"doubts what it did not send":             {"Send sends nothing after its context ended"},
	"ignores its context":                     {"Send returns when its context ends", "an error reveals no secret"},
	"gives up for good when its context ends": {"Send returns when its context ends"},

	"sends anything":      {"unsupported content is refused"},
	"sends an empty page": {"unsupported content is refused"},
	"checks nothing":      {"unsupported content is refused"},
	"changes the content": {"content is not changed", everything},
	"a size of zero":      {"every content has a size"},
	"expands again":       {"braces in rendered content are plain text"},

	"answers first":                    {"a call is answered after its receipt is stored", "a call whose receipt is not stored gets 503"},
	"a receipt twice in one call":      {"a call is answered after its receipt is stored"},
	"a receipt of another channel":     {"a call's receipt names its message", "a session's receipt names its message"},
	"a receipt of another message":     {"a call's receipt names its message", "a session's receipt names its message"},
	"a receipt with an unknown status": {"a call's receipt names its message", "a session's receipt names its message"},
	"a receipt that was read":          {"a call's receipt names its message", "a session's receipt names its message"},
	"a receipt without a reason":       {"a call's receipt names its message", "a session's receipt names its message"},
	"hides that the sink failed":       {"a call whose receipt is not stored gets 503"},
	"trusts anyone":                    {"a call with a wrong signature gets 401"},
	"takes any size":                   {"a call with an oversize body gets 413"},
	"reads everything":                 {"a call with an oversize body gets 413"},
	"takes any nonsense":               {"a call that makes no sense gets 400"},

	"calls a time-out temporary": {"a request without an answer is in doubt"},
	"delivered in the answer":    {"a reachable person is reached"},
	"sends again by itself":      {"one Send is one request"},

	"forgets what the sink refused": {"a session repeats what was not stored"},
	"listens for ever":              {"listening ends with its context", "a session's receipt names its message", "a session repeats what was not stored"},
}

const everything = "and everything else"

// TestSubprocessFlaw is the body of TestRun_CatchesEachFlaw, which runs it in a process of
// its own.
func TestSubprocessFlaw(t *testing.T) {
	flaw := os.Getenv("CHANNELTEST_FLAW")
	if flaw == "" {
		t.Skip("it is run by TestRun_CatchesEachFlaw")
	}
	if flaw == "sends again by itself" {
		channeltest.Run(t, persistentHarness(t))
		return
	}
	channeltest.Run(t, faxHarness(t, flaw))
}

// persistent is a channel over HTTP that repeats a failed request by itself.
type persistent struct{ url string }

func (persistent) Name() channel.Name     { return "persistent" }
func (persistent) Traits() channel.Traits { return channel.Traits{Machine: status.SMS} }

func (p persistent) Send(ctx context.Context, e channel.Envelope) (channel.Result, error) {
	if _, ok := e.Content.(channel.Text); !ok {
		return channel.Result{}, channel.Failed(status.TemplateConfig, "no text")
	}
	err := ctx.Err()
	for range 3 {
		req, _ := http.NewRequestWithContext(ctx, http.MethodPost, p.url, nil)
		resp, failure := http.DefaultClient.Do(req)
		if err = failure; err != nil {
			break
		}
		_ = resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return channel.Result{Status: status.Accepted, ProviderID: e.AttemptID.String()}, nil
		}
		err = fmt.Errorf("HTTP %d", resp.StatusCode)
	}
	return channel.Result{}, channel.Temporary(err, 0)
}

func persistentHarness(t *testing.T) channeltest.Harness {
	answering := func(code int) func(*testing.T) channel.Channel {
		return func(t *testing.T) channel.Channel {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }))
			t.Cleanup(s.Close)
			return persistent{s.URL}
		}
	}
	return channeltest.Harness{
		Channel: answering(http.StatusOK),
		Content: channel.Text("Your order has shipped"),
		To:      channel.Recipient{Phone: number(t, "+886912345678")},
		Faults:  map[string]channeltest.Case{"502": {Channel: answering(http.StatusBadGateway)}},
	}
}

func TestRun_CatchesEachFlaw(t *testing.T) {
	t.Parallel()
	if os.Getenv("CHANNELTEST_FLAW") != "" {
		t.Skip("once is enough")
	}
	failure := regexp.MustCompile(`(?m)^ +--- FAIL: TestSubprocessFlaw/(\S+)`)
	for _, flaw := range slices.Sorted(maps.Keys(flaws)) {
		t.Run(flaw, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSubprocessFlaw$", "-test.timeout=30s", "-test.parallel=32")
			cmd.Env = append(os.Environ(), "CHANNELTEST_FLAW="+flaw)
			out, err := cmd.CombinedOutput()
			require.Error(t, err, "the suite let it pass:\n%s", out)
			var caught []string
			for _, match := range failure.FindAllSubmatch(out, -1) {
				caught = append(caught, strings.ReplaceAll(string(match[1]), "_", " "))
			}
			want := flaws[flaw]
			if i := slices.Index(want, everything); i >= 0 {
				require.Subset(t, caught, want[:i])
				return
			}
			require.ElementsMatch(t, want, caught, "%s", out)
		})
	}
}

func TestRun_SkipsMissingFieldsByName(t *testing.T) {
	t.Parallel()
	if os.Getenv("CHANNELTEST_FLAW") != "" {
		t.Skip("once is enough")
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSubprocessBareHarness$", "-test.v")
	cmd.Env = append(os.Environ(), "CHANNELTEST_FLAW=none")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, field := range []string{
		"Harness.Unreachable", "Harness.Faults", "Harness.Stalled", "Harness.Webhook", "Harness.Report",
	} {
		require.Contains(t, string(out), field)
	}
}

// TestSubprocessBareHarness is the body of TestRun_SkipsMissingFieldsByName.
func TestSubprocessBareHarness(t *testing.T) {
	if os.Getenv("CHANNELTEST_FLAW") == "" {
		t.Skip("it is run by TestRun_SkipsMissingFieldsByName")
	}
	h := faxHarness(t, "")
	channeltest.Run(t, channeltest.Harness{Channel: h.Channel, Content: h.Content, To: h.To, NoReceipts: true})
}

func TestRun_RequiresReceiptsOfReceiver(t *testing.T) {
	t.Parallel()
	if os.Getenv("CHANNELTEST_FLAW") != "" {
		t.Skip("once is enough")
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSubprocessNoWebhook$")
	cmd.Env = append(os.Environ(), "CHANNELTEST_FLAW=none")
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "Harness.Webhook is required")
}

// TestSubprocessNoWebhook is the body of TestRun_RequiresReceiptsOfReceiver.
func TestSubprocessNoWebhook(t *testing.T) {
	if os.Getenv("CHANNELTEST_FLAW") == "" {
		t.Skip("it is run by TestRun_RequiresReceiptsOfReceiver")
	}
	h := faxHarness(t, "")
	channeltest.Run(t, channeltest.Harness{Channel: h.Channel, Content: h.Content, To: h.To})
}
