package line

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/httpapi"
	"github.com/smsplus/smsplus-go/internal/mask"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/status"
)

// Account is a LINE Official Account, with the settings that the LINE Developers Console
// shows for its Messaging API channel. It prints without its secrets.
type Account struct {
	// Token is the channel access token. If it expires, a transport in Client has to
	// replace the Authorization header. Required.
	Token secret.Text
	// Secrets are the secrets that LINE signs its calls with: the channel secret, or with LINE
	// Chat Plus the switcher secret. During a rotation they are the old one and the new one.
	// Required by NewNotification; Push needs them for its ReceiptHandler.
	Secrets []secret.Text
	// BaseURL is the URL of the API. Defaults to https://api.line.me.
	BaseURL string
	// Client makes the calls. The contexts of the sends set their deadlines. Defaults to
	// httpapi.NewClient().
	Client *http.Client
}

// Format prints the account without its fields.
func (a Account) Format(w fmt.State, _ rune) { mask.Write(w, "line.Account{…}") }

func (a Account) check(field string, bad *configErrors) {
	if a.Token.IsZero() {
		bad.add("%s.Token is required", field)
	} else if strings.ContainsFunc(a.Token.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }) {
		bad.add("%s.Token holds a character that no token has, such as a line's end", field)
	}
	for i, s := range a.Secrets {
		if s.IsZero() {
			bad.add("%s.Secrets[%d] is empty", field, i)
		}
	}
	if a.BaseURL == "" {
		return
	}
	u, err := url.Parse(a.BaseURL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		bad.add("%s.BaseURL is no http or https URL without a query", field)
	}
}

// configErrors are the mistakes in a config.
type configErrors []error

func (m *configErrors) add(format string, args ...any) {
	*m = append(*m, fmt.Errorf("line: "+format, args...))
}

func (m configErrors) err() error { return errors.Join(m...) }

func withPrefix(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("line: %w", err)
}

// api makes an account's calls to one kind of endpoint.
type api struct {
	base     string
	token    secret.Text
	client   *http.Client
	success  status.Status // the status of a message that LINE took
	verdicts []codeVerdict // the meanings of refusals
}

func (a Account) newAPI(success status.Status, rows []codeVerdict) *api {
	client := a.Client
	if client == nil {
		client = httpapi.NewClient()
	}
	base := strings.TrimRight(cmp.Or(a.BaseURL, "https://api.line.me"), "/")
	return &api{base: base, token: a.Token, client: client, success: success, verdicts: rows}
}

// call posts a body as JSON, or gets if the body is nil.
func (a *api) call(ctx context.Context, path string, header http.Header, body any) (httpapi.Answer, error) {
	method, text := http.MethodGet, []byte(nil)
	if body != nil {
		method = http.MethodPost
		text, _ = json.Marshal(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, a.base+path, bytes.NewReader(text))
	if err != nil {
		return httpapi.Answer{}, channel.Failed(status.SystemError, "the base URL makes no request")
	}
	maps.Copy(req.Header, header)
	req.Header.Set("Authorization", "Bearer "+a.token.Reveal())
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return httpapi.Do(a.client, req)
}

// resultOf returns the result of an answer to a message. The detail never repeats a hidden
// text.
func (a *api) resultOf(answer httpapi.Answer, providerID string, hidden []string) (channel.Result, error) {
	verdict := channel.Verdict{Status: a.success}
	if answer.Code/100 != 2 {
		verdict = a.verdictOf(answer)
		if err := verdict.Error(a.detailOf(answer, hidden), answer.RetryAfter()); err != nil {
			return channel.Result{}, err
		}
	}
	return channel.Result{Status: verdict.Status, ProviderID: providerID}, nil
}

// errorText returns the words of an answer: its message, and its details as "'property':
// message". Only LINE's own error format counts. A page of a proxy on the way has no words.
func errorText(answer httpapi.Answer) string {
	refusal, _ := httpapi.ParseFields(answer.Body)
	words := []string{refusal.Text("message")}
	details, _ := refusal.Objects("details")
	for _, d := range details {
		words = append(words, fmt.Sprintf("'%s': %s", d.Text("property"), d.Text("message")))
	}
	return strings.Join(words, "; ")
}

// detailOf returns an answer's code, its words, and LINE's ID of the request.
func (a *api) detailOf(answer httpapi.Answer, hidden []string) string {
	detail := fmt.Sprintf("HTTP %d", answer.Code)
	if words := httpapi.Words(errorText(answer), append(hidden, a.token.Reveal())...); words != "" {
		detail += ": " + words
	}
	if id := answer.Header.Get("X-Line-Request-Id"); isUUID(id) {
		detail += " (request " + id + ")"
	}
	return detail
}

// isUUID reports whether s is a UUID in the text form of attempt IDs.
func isUUID(s string) bool {
	id, err := uuid.Parse(s)
	return err == nil && id.String() == s
}
