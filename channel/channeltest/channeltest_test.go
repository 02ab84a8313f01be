package channeltest_test

import (
	"cmp"
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
	recalls int
	repeats int // of reports
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
		Idempotent: true,
		Validity:   time.Hour,
		Reads:      f.flaw == "other traits after a Send" && f.sends > 0,
	}
}

// Query knows of the messages that were taken that they arrived.
func (f *fax) Query(ctx context.Context, refs []channel.Ref) (rs []channel.Receipt, err error) {
	if f.flaw == "asks for ever" && ctx.Err() != nil {
		select {}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	taken := slices.Collect(maps.Values(f.taken))
	for _, ref := range refs {
		r := channel.Receipt{Channel: ref.Channel, ProviderID: ref.ProviderID, Status: status.Delivered}
		switch f.flaw {
		case "answers with a status of its own":
			r.Status++
		case "answers with the number":
			r.Status, r.Detail = status.Failed, "no line to +886912345678"
		}
		if slices.Contains(taken, ref.ProviderID) || f.flaw == "knows a message that was never sent" {
			rs = append(rs, r)
		} else if f.flaw == "takes an unknown message for a fault" {
			err = errors.New("fax: 404")
		}
	}
	return rs, cmp.Or(err, ctx.Err())
}

// Recall is too late for every message that was taken.
func (f *fax) Recall(ctx context.Context, ref channel.Ref) (channel.Recall, error) {
	if f.flaw == "takes back for ever" && ctx.Err() != nil {
		select {}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.recalls++
	switch {
	case f.flaw == "takes back a message that was never sent":
		return channel.Recalled, nil
	case f.flaw == "does not say whether it took a message back":
		return 0, nil
	case f.flaw == "takes an unknown message to take back for a fault" && !slices.Contains(slices.Collect(maps.Values(f.taken)), ref.ProviderID):
		return 0, errors.New("fax: 404")
	case f.flaw == "cannot take back twice" && f.recalls == 3:
		return 0, errors.New("fax: 409")
	case f.flaw == "fails to take back with the number" && ctx.Err() != nil:
		return 0, errors.New("fax: no line to +886912345678")
	}
	return channel.TooLate, ctx.Err()
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
	failWith := func(err error) (channel.Result, error) {
		if errors.Is(f.fault, errStalled) {
			return channel.Result{}, channel.InDoubt(err)
		}
		return channel.Result{}, channel.Temporary(err, 0)
	}
	echo := func(s string) (channel.Result, error) { return failWith(fmt.Errorf("fax: POST /send: 500: %s", s)) }
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
		return failWith(opaqueError{errors.New(e.To.Phone.E164())})
	case "leaks the number in a detail":
		return channel.Result{Status: status.Failed, Reason: status.SystemError, Detail: e.To.Phone.E164()}, nil
	case "leaks the LINE user ID":
		return echo(e.To.IDs[channel.LINEPush])
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

// report is a provider's report on one message. A call holds several.
type report struct {
	ID   string `json:"id"`
	Word string `json:"word"`
}

// The words of reports.
const (
	arrived = "arrived"
	gaveUp  = "gave up"
)

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
		var reports []report
		if err := json.Unmarshal(body, &reports); err != nil && f.flaw != "takes any nonsense" {
			http.Error(w, "malformed", http.StatusBadRequest)
			return
		}
		if f.flaw == "answers first" {
			w.WriteHeader(http.StatusOK)
		}
		var receipts []channel.Receipt
		for _, rep := range reports {
			if rep.Word != arrived && rep.Word != gaveUp && f.flaw == "refuses a word to come" {
				http.Error(w, "malformed", http.StatusBadRequest)
				return
			}
			receipts = append(receipts, f.receipt(rep))
		}
		if f.flaw == "hands receipts over one by one" {
			for _, receipt := range receipts {
				err = errors.Join(err, s(r.Context(), receipt))
			}
		} else {
			err = s(r.Context(), receipts...)
		}
		if f.flaw == "a receipt twice in one call" {
			err = s(r.Context(), receipts...)
		}
		if err != nil && f.flaw != "hides that the sink failed" {
			http.Error(w, "try again", http.StatusServiceUnavailable)
		}
	})
}

func (f *fax) receipt(rep report) channel.Receipt {
	r := channel.Receipt{Channel: f.Name(), ProviderID: rep.ID}
	switch rep.Word {
	case arrived:
		r.Status = status.Delivered
	case gaveUp:
		r.Status, r.Reason = status.Undeliverable, status.CarrierError
	}
	unknown := r.Status == status.Preparing
	switch {
	case f.flaw == "counts a word to come as failed" && unknown:
		r.Status, r.Reason = status.Failed, status.SystemError
	case f.flaw == "counts a word to come as undeliverable" && unknown:
		r.Status, r.Reason = status.Undeliverable, status.CarrierError
	case f.flaw == "counts a word to come as delivered" && unknown:
		r.Status = status.Delivered
	case f.flaw == "forgets why a message did not arrive" && rep.Word == gaveUp:
		r.Reason = ""
	case f.flaw == "counts a message that did not arrive as accepted" && rep.Word == gaveUp:
		r.Status, r.Reason = status.Accepted, ""
	case f.flaw == "a repeat says something else" && rep.Word == arrived:
		f.mu.Lock()
		if f.repeats++; f.repeats > 1 {
			r.Status = status.Accepted
		}
		f.mu.Unlock()
	}
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
	signed := func(word string, ids ...string) *http.Request {
		var reports []report
		for _, id := range ids {
			reports = append(reports, report{id, word})
		}
		body, err := json.Marshal(reports)
		require.NoError(t, err)
		return request(string(body), sign(body))
	}
	h := channeltest.Harness{
		Channel:     with(nil),
		Content:     channel.Text("Your order has shipped and will arrive on Friday"),
		To:          channel.Recipient{Phone: number(t, "+886912345678"), IDs: map[channel.Name]string{channel.LINEPush: lineUser}},
		Unreachable: map[string]channeltest.Case{"no number": {To: channel.Recipient{IDs: map[channel.Name]string{channel.LINEPush: lineUser}}}},
		Faults:      map[string]channeltest.Case{"server error": {Channel: with(errors.New("fax: 500"))}},
		Stalled:     channeltest.Case{Channel: with(errStalled)},
		BadContent:  []channel.Content{channel.Text("")},
		Secrets:     []string{secret},
		Webhook: &channeltest.Webhook{
			Request: func(_ *testing.T, _ channel.Channel, id string) *http.Request {
				return signed(arrived, id)
			},
			Forged: func(_ *testing.T, _ channel.Channel, id string) *http.Request {
				r := signed(arrived, id)
				r.Header.Set("X-Signature", sign([]byte("something else")))
				return r
			},
			Undelivered: func(_ *testing.T, _ channel.Channel, id string) *http.Request { return signed(gaveUp, id) },
			Several:     func(_ *testing.T, _ channel.Channel, ids []string) *http.Request { return signed(arrived, ids...) },
			Unknown:     func(_ *testing.T, _ channel.Channel, id string) *http.Request { return signed("teleported", id) },
			Malformed: func(*testing.T, channel.Channel) *http.Request {
				return request("{", sign([]byte("{")))
			},
		},
		Report: func(_ *testing.T, c channel.Channel, id string) {
			f := c.(*fax)
			f.reports <- f.receipt(report{id, arrived})
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

	"no provider ID":          {"a reachable person is reached", together},
	"nil for a no-op":         {"a reachable person is reached", "an answer is a status the machine allows", together},
	"an unreachable status":   {"a reachable person is reached", "an answer is a status the machine allows"},
	"panics":                  {"a reachable person is reached", everything},
	"never returns":           {"a reachable person is reached", everything},
	"one provider ID for all": {"concurrent sends are safe", together},
	"sends an attempt twice":  {"an idempotent channel recognizes a repeated attempt"},

	"no reason":                           {"an unreachable person is undeliverable"},
	"tries again what cannot work":        {"an unreachable person is undeliverable"},
	"a fault is a success":                {"a fault is an error or a failure", "Send returns when its context ends", unanswered},
	"a fault without a reason":            {"a fault is an error or a failure", "Send returns when its context ends", unanswered},
	"leaks the number":                    {"an error reveals no secret"},
	"leaks a piece of the number":         {"an error reveals no secret"},
	"leaks the number with dashes":        {"an error reveals no secret"},
	"leaks the number in a wrapped error": {"an error reveals no secret"},
	"leaks the number in a detail":        {"an error reveals no secret", "Send returns when its context ends", unanswered},
	"leaks the LINE user ID":              {"an error reveals no secret"},
	"leaks the text":                      {"an error reveals no secret"},
	"leaks the text escaped":              {"an error reveals no secret"},
	"leaks the secret":                    {"an error reveals no secret"},

	"ignores a context that has ended":        {"Send sends nothing after its context ended"},
	"the end of a context is a verdict":       {"Send sends nothing after its context ended"},
	"doubts what it did not send":             {"Send sends nothing after its context ended"},
	"ignores its context":                     {"Send returns when its context ends", "an error reveals no secret", unanswered},
	"gives up for good when its context ends": {"Send returns when its context ends", unanswered},

	"sends anything":      {"unsupported content is refused"},
	"sends an empty page": {"unsupported content is refused"},
	"checks nothing":      {"unsupported content is refused"},
	"changes the content": {"content is not changed", everything},
	"a size of zero":      {"every content has a size"},
	"expands again":       {"braces in rendered content are plain text"},

	"answers first":                    {"a call is answered after its receipt is stored", "a call whose receipt is not stored gets 503"},
	"a receipt twice in one call":      {"a call is answered after its receipt is stored", together},
	"a receipt of another channel":     {"a call's receipt names its message", "a session's receipt names its message", saysWhy},
	"a receipt of another message":     {"a call's receipt names its message", "a session's receipt names its message", saysWhy, together},
	"a receipt with an unknown status": {"a call's receipt names its message", "a session's receipt names its message", saysWhy, toCome},
	"a receipt that was read":          {"a call's receipt names its message", "a session's receipt names its message", saysWhy},
	"a receipt without a reason":       {"a call's receipt names its message", "a session's receipt names its message", toCome},
	"hides that the sink failed":       {"a call whose receipt is not stored gets 503"},
	"trusts anyone":                    {"a call with a wrong signature gets 401"},
	"takes any size":                   {"a call with an oversize body gets 413"},
	"reads everything":                 {"a call with an oversize body gets 413"},
	"takes any nonsense":               {"a call that makes no sense gets 400"},

	"hands receipts over one by one":                   {together},
	"counts a word to come as failed":                  {toCome},
	"counts a word to come as undeliverable":           {toCome},
	"counts a word to come as delivered":               {toCome},
	"refuses a word to come":                           {toCome},
	"forgets why a message did not arrive":             {saysWhy},
	"counts a message that did not arrive as accepted": {saysWhy},
	"a repeat says something else":                     {"a call whose receipt is not stored gets 503"},

	"calls a time-out temporary": {unanswered},
	"delivered in the answer":    {"a reachable person is reached"}, // such as 202

	repeatsRefused: {"one Send is one request"},
	repeatsSilent:  {unanswered, "one Send is one request"},
	callsTemporary: {"a written request without an answer is in doubt"},

	"knows a message that was never sent":  {asked},
	"answers with a status of its own":     {asked},
	"answers with the number":              {asked},
	"takes an unknown message for a fault": {asked},
	"asks for ever":                        {"Query returns when its context ends"},

	"takes back a message that was never sent":          {takesBack},
	"does not say whether it took a message back":       {takesBack},
	"takes an unknown message to take back for a fault": {takesBack},
	"cannot take back twice":                            {takesBack},
	"takes back for ever":                               {"Recall returns when its context ends"},
	"fails to take back with the number":                {"Recall returns when its context ends"},

	"forgets what the sink refused": {"a session repeats what was not stored"},
	"listens for ever":              {"listening ends with its context", "a session's receipt names its message", "a session repeats what was not stored"},
}

// The names of rules that many flaws break.
const (
	everything = "and everything else"
	unanswered = "a request without an answer is in doubt"
	asked      = "a provider that is asked says what it knows"
	takesBack  = "a provider that is to take a message back says how that ended"
	together   = "the receipts of a call are stored together"
	saysWhy    = "a call about a message that did not arrive says why"
	toCome     = "a status to come says nothing new"
)

// TestSubprocessFlaw is the body of TestRun_CatchesEachFlaw, which runs it in a process of
// its own.
func TestSubprocessFlaw(t *testing.T) {
	flaw := os.Getenv("CHANNELTEST_FLAW")
	if flaw == "" {
		t.Skip("it is run by TestRun_CatchesEachFlaw")
	}
	if flaw == repeatsRefused || flaw == repeatsSilent || flaw == callsTemporary {
		channeltest.Run(t, persistentHarness(t, flaw))
		return
	}
	channeltest.Run(t, faxHarness(t, flaw))
}

// The flaws of a channel over HTTP.
const (
	repeatsRefused = "repeats a refused request by itself"
	repeatsSilent  = "repeats an unanswered request by itself"
	callsTemporary = "calls a broken connection temporary"
)

// persistent is a channel over HTTP that keeps the contract except for its flaw.
type persistent struct{ url, flaw string }

func (persistent) Name() channel.Name     { return "persistent" }
func (persistent) Traits() channel.Traits { return channel.Traits{Machine: status.SMS} }

func (p persistent) Send(ctx context.Context, e channel.Envelope) (channel.Result, error) {
	if _, ok := e.Content.(channel.Text); !ok {
		return channel.Result{}, channel.Failed(status.TemplateConfig, "no text")
	}
	if err := ctx.Err(); err != nil {
		return channel.Result{}, channel.Temporary(err, 0)
	}
	var code int
	var err error
	for range 3 {
		code, err = p.post(ctx)
		repeats := p.flaw == repeatsRefused && code/100 == 5 || p.flaw == repeatsSilent && err != nil && ctx.Err() == nil
		if !repeats {
			break
		}
	}
	switch {
	case err != nil && p.flaw == callsTemporary && ctx.Err() == nil:
		return channel.Result{}, channel.Temporary(errors.New("the connection broke"), 0)
	case err != nil, code/100 == 5:
		return channel.Result{}, channel.InDoubt(errors.New("no answer"))
	}
	return channel.Result{Status: status.Accepted, ProviderID: e.AttemptID.String()}, nil
}

// post makes a request, and returns the code of the answer.
func (p persistent) post(ctx context.Context) (int, error) {
	if p.flaw == repeatsSilent {
		brief, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
		defer cancel()
		ctx = brief
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

func persistentHarness(t *testing.T, flaw string) channeltest.Harness {
	serving := func(handle http.HandlerFunc) func(*testing.T) channel.Channel {
		return func(t *testing.T) channel.Channel {
			s := httptest.NewServer(handle)
			t.Cleanup(s.Close)
			return persistent{s.URL, flaw}
		}
	}
	return channeltest.Harness{
		Channel: serving(func(http.ResponseWriter, *http.Request) {}),
		Content: channel.Text("Your order has shipped"),
		To:      channel.Recipient{Phone: number(t, "+886912345678")},
		Faults: map[string]channeltest.Case{
			"502": {Channel: serving(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })},
			"a broken connection": {Channel: serving(func(http.ResponseWriter, *http.Request) {
				panic(http.ErrAbortHandler)
			})},
		},
		Stalled: channeltest.Case{Channel: serving(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })},
	}
}

func TestRun_PassesCorrectHTTPChannel(t *testing.T) {
	t.Parallel()
	channeltest.Run(t, persistentHarness(t, ""))
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
			require.NotContains(t, string(out), "status.Status", "statuses print as words")
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
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSubprocessBareHarness$") // without -test.v
	cmd.Env = append(os.Environ(), "CHANNELTEST_FLAW=none")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "channeltest: TestSubprocessBareHarness skips rules: Harness.Unreachable is empty, "+
		"Harness.Faults is empty, Harness.Stalled is zero, Harness.Webhook has no Forged, Harness.Webhook has no Malformed, "+
		"Harness.Webhook has no Undelivered, Harness.Webhook has no Several, Harness.Webhook has no Unknown\n")
}

// TestSubprocessBareHarness is the body of TestRun_SkipsMissingFieldsByName.
func TestSubprocessBareHarness(t *testing.T) {
	if os.Getenv("CHANNELTEST_FLAW") == "" {
		t.Skip("it is run by TestRun_SkipsMissingFieldsByName")
	}
	h := faxHarness(t, "")
	channeltest.Run(t, channeltest.Harness{
		Channel: h.Channel, Content: h.Content, To: h.To,
		Webhook: &channeltest.Webhook{Request: h.Webhook.Request}, Report: h.Report,
	})
}

func TestRun_RequiresReceiptsOfReceiver(t *testing.T) {
	t.Parallel()
	if os.Getenv("CHANNELTEST_FLAW") != "" {
		t.Skip("once is enough")
	}
	for missing, want := range map[string]string{
		"both":    "Harness.Webhook is required",
		"webhook": "Harness.Webhook is required", // although Report is set
		"request": "Harness.Webhook.Request is required",
		"report":  "Harness.Report is required",
		"channel": "Harness.Webhook is set, but the channel is no channel.Receiver",
	} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSubprocessNoReceipts$")
		cmd.Env = append(os.Environ(), "CHANNELTEST_FLAW="+missing)
		out, err := cmd.CombinedOutput()
		require.Error(t, err, missing)
		require.Contains(t, string(out), want, missing)
	}
}

// TestSubprocessNoReceipts is the body of TestRun_RequiresReceiptsOfReceiver.
func TestSubprocessNoReceipts(t *testing.T) {
	h := faxHarness(t, "")
	switch os.Getenv("CHANNELTEST_FLAW") {
	case "both":
		h.Webhook, h.Report = nil, nil
	case "webhook":
		h.Webhook = nil
	case "request":
		h.Webhook.Request = nil
	case "report":
		h.Report = nil
	case "channel":
		h.Channel, h.Report = func(*testing.T) channel.Channel { return persistent{} }, nil
	default:
		t.Skip("it is run by TestRun_RequiresReceiptsOfReceiver")
	}
	channeltest.Run(t, h)
}
