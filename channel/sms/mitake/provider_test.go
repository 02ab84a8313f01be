package mitake_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/traditionalchinese"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms/mitake"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/secret"
)

const (
	username      = "user-2c61"
	password      = "password-5f3c"
	signingSecret = "secret-9a1e"
	callbackURL   = "https://app.example.com/receipts/mitake"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

type fixedClock time.Time

func (t fixedClock) Now() time.Time { return time.Time(t) }

// fakeMitake is a Mitake that keeps the forms that it gets. It knows the states of the messages
// that it took.
type fakeMitake struct {
	answer func(form url.Values) string // the lines behind clientid
	state  string                       // the statuscode of every message, when it is asked

	mu    sync.Mutex
	calls []*http.Request
	forms map[string]url.Values // by clientid
	sent  map[string]string     // the answers, by clientid
}

// acceptAnswer returns the answer to an accepted message.
func acceptAnswer(url.Values) string { return "statuscode=1\nAccountPoint=126\n" }

// refuseAnswer returns the answer to a refused message. It repeats the whole request.
func refuseAnswer(code string) func(url.Values) string {
	return func(form url.Values) string { return fmt.Sprintf("statuscode=%s\nError=無效的 %v\n", code, form) }
}

func (p *fakeMitake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, r)
	if strings.HasSuffix(r.URL.Path, "/SmQuery") {
		p.answerQuery(w, form)
		return
	}
	id := form.Get("clientid")
	p.forms[id] = form
	lines, again := p.sent[id]
	if again {
		lines += "Duplicate=Y\n"
	} else {
		lines = p.answer(form)
		if strings.HasPrefix(lines, "statuscode=1\n") {
			lines = fmt.Sprintf("msgid=#%09d\n", len(p.sent)+1) + lines
			p.sent[id] = lines
		}
	}
	big5, _ := traditionalchinese.Big5.NewEncoder().String(strings.ReplaceAll("["+id+"]\n"+lines, "\n", "\r\n"))
	_, _ = io.WriteString(w, big5)
}

// answerQuery answers SmQuery with a line for each message that it knows (testdata/queries).
func (p *fakeMitake) answerQuery(w io.Writer, form url.Values) {
	ids := strings.Split(form.Get("msgid"), ",")
	if form.Get("username") != username || form.Get("password") != password {
		_, _ = io.WriteString(w, "statuscode=e\r\nError=帳號、密碼錯誤\r\n")
		return
	}
	if len(ids) > 100 {
		_, _ = io.WriteString(w, "w")
		return
	}
	for _, id := range ids {
		for _, lines := range p.sent {
			if strings.Contains(lines, "msgid=#"+id+"\n") {
				_, _ = fmt.Fprintf(w, "%s\t%s\t20261124200100\r\n", id, p.state)
			}
		}
	}
}

// onlyForm returns the form of the only message.
func (p *fakeMitake) onlyForm(t *testing.T) url.Values {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	require.Len(t, p.forms, 1)
	for _, form := range p.forms {
		return form
	}
	return nil
}

func newFakeMitake(answer func(url.Values) string) *fakeMitake {
	return &fakeMitake{answer: answer, state: "4", forms: map[string]url.Values{}, sent: map[string]string{}}
}

// open returns a channel to a provider with that answer.
func open(t *testing.T, answer func(url.Values) string, change func(*mitake.Config)) (*mitake.Channel, *fakeMitake) {
	t.Helper()
	p := newFakeMitake(answer)
	return openServer(t, p, change), p
}

// openServer returns a channel to any server.
func openServer(t *testing.T, h http.Handler, change func(*mitake.Config)) *mitake.Channel {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	config := mitake.Config{
		URL: server.URL + "/api/mtk", Username: username, Password: secret.New(password),
		CallbackURL: callbackURL, CallbackSecrets: secret.NewAll(signingSecret), Clock: fixedClock(now),
	}
	if change != nil {
		change(&config)
	}
	c, err := mitake.New(config)
	require.NoError(t, err)
	return c
}

func number(t *testing.T, e164 string) phone.Number {
	t.Helper()
	n, err := phone.Parse(e164)
	require.NoError(t, err)
	return n
}

// envelope returns a message that any provider accepts.
func envelope(t *testing.T, text string) channel.Envelope {
	return channel.Envelope{
		AttemptID: uuid.New(), To: channel.Recipient{Phone: number(t, "+886912345678")},
		Content: channel.Text(text), Try: 1,
	}
}
