package twilio_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms/twilio"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/status"
)

const (
	account       = "AC0123456789abcdef0123456789abcdef"
	token         = "token-5f3c9a1e4b7d2086"
	apiKey        = "SK89abcdef0123456789abcdef01234567"
	signingSecret = "secret-7d2086c1f04b3e95"
	service       = "MG456789abcdef0123456789abcdef0123"
	message       = "SMdeadbeefcafe00112233445566778899"
	public        = "https://example.com/receipts/twilio"
	e164          = "+886912345678"
)

var attempt = uuid.MustParse("8f14e45f-ceea-467f-ab1d-5d5f0d6c1b2a")

// noonClock is a Clock that always shows noon.
type noonClock struct{}

func (noonClock) Now() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }

func config() twilio.Config {
	return twilio.Config{
		AccountSID:     account,
		AuthTokens:     secret.NewAll(token),
		From:           "+15005550006",
		StatusCallback: public,
		Clock:          noonClock{},
	}
}

func open(t *testing.T, c twilio.Config) *twilio.Channel {
	t.Helper()
	ch, err := twilio.New(c)
	require.NoError(t, err)
	return ch
}

// openServer returns a channel whose Twilio is the handler.
func openServer(t *testing.T, h http.HandlerFunc, change ...func(*twilio.Config)) *twilio.Channel {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	c := config()
	c.BaseURL, c.Client = server.URL, server.Client()
	for _, f := range change {
		f(&c)
	}
	return open(t, c)
}

func number(t *testing.T) phone.Number {
	t.Helper()
	n, err := phone.Parse(e164)
	require.NoError(t, err)
	return n
}

func envelope(t *testing.T) channel.Envelope {
	t.Helper()
	return channel.Envelope{
		AttemptID: attempt, To: channel.Recipient{Phone: number(t)}, Content: channel.Text("Your code is 498172"), Try: 1,
	}
}

// answerAll is a Twilio that answers all requests alike.
func answerAll(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

// faultBody returns the body of an answer that refuses a message.
func faultBody(httpStatus, code int, words string) string {
	return fmt.Sprintf(`{"code":%d,"message":%q,"more_info":"https://www.twilio.com/docs/errors/%d","status":%d}`,
		code, words, code, httpStatus)
}

// createdBody is the body of an answer that accepts a message.
const createdBody = `{"sid":"` + message + `","status":"queued","error_code":null,"num_segments":"1"}`

// sentRequest is a request that Twilio got.
type sentRequest struct {
	method, path, user, password, contentType, accept string
	form                                              url.Values
}

// recordRequests is a Twilio that answers all requests alike, and records them.
func recordRequests(body string, requests chan<- sentRequest) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		form, err := url.ParseQuery(string(raw))
		if err != nil {
			form = nil
		}
		user, password, _ := r.BasicAuth()
		requests <- sentRequest{
			r.Method, r.URL.RequestURI(), user, password, r.Header.Get("Content-Type"), r.Header.Get("Accept"), form,
		}
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, body)
	}
}

func TestSend_CreatesMessage(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change   func(*twilio.Config)
		user     string
		password string
		sender   url.Values
	}{
		"with the auth token": {func(*twilio.Config) {}, account, token, url.Values{"From": {"+15005550006"}}},
		"with an API key": {
			func(c *twilio.Config) { c.APIKeySID, c.APIKeySecret = apiKey, secret.New(signingSecret) },
			apiKey, signingSecret,
			url.Values{"From": {"+15005550006"}},
		},
		"with a new auth token": {
			func(c *twilio.Config) { c.AuthTokens = secret.NewAll("new", token) },
			account, "new",
			url.Values{"From": {"+15005550006"}},
		},
		"by a Messaging Service": {
			func(c *twilio.Config) { c.From, c.MessagingServiceSID = "", service },
			account, token,
			url.Values{"MessagingServiceSid": {service}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requests := make(chan sentRequest, 1)
			result, err := openServer(t, recordRequests(createdBody, requests), tt.change).Send(t.Context(), envelope(t))
			require.NoError(t, err)
			require.Equal(t, channel.Result{Status: status.Accepted, ProviderID: message}, result)

			got := <-requests
			tt.sender["To"], tt.sender["Body"] = []string{e164}, []string{"Your code is 498172"}
			tt.sender["StatusCallback"] = []string{public + "?attempt=" + attempt.String()}
			require.Equal(t, sentRequest{
				"POST", "/2010-04-01/Accounts/" + account + "/Messages.json",
				tt.user, tt.password, "application/x-www-form-urlencoded", "application/json", tt.sender,
			}, got)
		})
	}
}

func TestSend_CallbackURLKeepsQueryAndFragment(t *testing.T) {
	t.Parallel()
	const id = "attempt=8f14e45f-ceea-467f-ab1d-5d5f0d6c1b2a"
	for configured, want := range map[string]string{
		public:                          public + "?" + id,
		public + "?tenant=7":            public + "?tenant=7&" + id,
		public + "#rc=5&rp=all":         public + "?" + id + "#rc=5&rp=all",
		public + "?t=7#rc=5&rp=5xx,ct":  public + "?t=7&" + id + "#rc=5&rp=5xx,ct",
		"http://127.0.0.1:8080/":        "http://127.0.0.1:8080/?" + id,
		"https://a-b.example.com:443/x": "https://a-b.example.com:443/x?" + id,
	} {
		requests := make(chan sentRequest, 1)
		ch := openServer(t, recordRequests(createdBody, requests), func(c *twilio.Config) { c.StatusCallback = configured })
		_, err := ch.Send(t.Context(), envelope(t))
		require.NoError(t, err)
		require.Equal(t, []string{want}, (<-requests).form["StatusCallback"])
	}
}

func TestSend_ValidityEndsWhenMessageExpires(t *testing.T) {
	t.Parallel()
	for left, want := range map[time.Duration]string{
		time.Second:             "1",
		4999 * time.Millisecond: "4",
		10 * time.Minute:        "600",
		36_000 * time.Second:    "36000",
		36_001 * time.Second:    "36000",
		400 * 24 * time.Hour:    "36000",
	} {
		requests := make(chan sentRequest, 1)
		e := envelope(t)
		e.Expires = noonClock{}.Now().Add(left)
		_, err := openServer(t, recordRequests(createdBody, requests)).Send(t.Context(), e)
		require.NoError(t, err)
		require.Equal(t, []string{want}, (<-requests).form["ValidityPeriod"], left)
	}
}

func TestSend_RefusesExpiredMessage(t *testing.T) {
	t.Parallel()
	for _, left := range []time.Duration{999 * time.Millisecond, 0, -time.Hour} {
		e := envelope(t)
		e.Expires = noonClock{}.Now().Add(left)
		_, err := openServer(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") }).Send(t.Context(), e)
		requireError(t, err, status.Undeliverable, status.Expired)
	}
}

func asError(t *testing.T, err error) *channel.Error {
	t.Helper()
	var e *channel.Error
	require.ErrorAs(t, err, &e)
	return e
}

func requireError(t *testing.T, err error, s status.Status, r status.Reason) {
	t.Helper()
	e := asError(t, err)
	require.Equal(t, s, e.Status())
	require.Equal(t, r, e.Reason())
}

func TestSend_VerdictFollowsCodeThenHTTPStatus(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		code   int
		body   string
		status status.Status
		reason status.Reason
		detail string
	}{
		"a known code":                     {400, faultBody(400, 21211, "Invalid 'To' Phone Number: "+e164), status.Undeliverable, status.InvalidNumber, "error 21211 Invalid 'To' Phone Number: +***"},
		"a code as a text":                 {400, `{"code":"21211","message":"No","status":"400"}`, status.Undeliverable, status.InvalidNumber, "error 21211 No"},
		"a code with a fraction":           {400, `{"code":21211.0,"message":null}`, status.Undeliverable, status.InvalidNumber, "error 21211"},
		"an unknown code":                  {400, faultBody(400, 29999, "Something new"), status.Undeliverable, status.CarrierError, "error 29999 Something new"},
		"words of the text":                {400, faultBody(400, 21618, "Your code is 498172 cannot be sent"), status.Undeliverable, status.ContentRejected, "error 21618 *** cannot be sent"},
		"words of an API key":              {401, faultBody(401, 20003, "Bad password "+signingSecret), status.Undeliverable, status.Authorization, "error 20003 Bad password ***"},
		"words of a token":                 {401, faultBody(401, 20003, "Bad password "+token), status.Undeliverable, status.Authorization, "error 20003 Bad password ***"},
		"no code":                          {403, `{"message":"Go away"}`, status.Undeliverable, status.Permission, "HTTP 403"},
		"a number for a code":              {400, `{"code":886912345678,"message":"No"}`, status.Failed, status.SystemError, "HTTP 400"},
		"no JSON":                          {404, "<html>not found</html>", status.Failed, status.SystemError, "HTTP 404"},
		"too many requests":                {429, faultBody(429, 20429, "Too Many Requests"), status.Preparing, status.SystemError, "error 20429 Too Many Requests"},
		"a full queue":                     {400, faultBody(400, 21611, "Queue is full"), status.Preparing, status.SystemError, "error 21611 Queue is full"},
		"a server error":                   {500, faultBody(500, 20500, "Internal error"), status.Preparing, status.InDoubt, "error 20500 Internal error"},
		"a server error with a known code": {500, faultBody(500, 30001, "Queue overflow"), status.Preparing, status.InDoubt, "error 30001 Queue overflow"},
		"a proxy's error":                  {502, "Bad Gateway", status.Preparing, status.InDoubt, "HTTP 502"},
		"a redirect":                       {307, "", status.Failed, status.SystemError, "HTTP 307"},
		"taken, but no message":            {201, `{"status":"queued"}`, status.Preparing, status.InDoubt, "HTTP 201 without a message"},
		"taken, but no JSON":               {200, "<html>log in</html>", status.Preparing, status.InDoubt, "HTTP 200 without a message"},
		"an override":                      {400, faultBody(400, 21610, "Unsubscribed"), status.Failed, status.TemplateConfig, "error 21610 Unsubscribed"},
		"a new code, a fault":              {400, faultBody(400, 29998, "Come back"), status.Preparing, status.SystemError, "error 29998 Come back"},
		"an override of a 500":             {500, faultBody(500, 29998, "Come back"), status.Preparing, status.SystemError, "error 29998 Come back"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ch := openServer(t, answerAll(tt.code, tt.body), func(c *twilio.Config) {
				c.APIKeySID, c.APIKeySecret = apiKey, secret.New(signingSecret)
				c.Codes = map[int]channel.Verdict{
					21610: {Status: status.Failed, Reason: status.TemplateConfig},
					29998: {},
				}
			})
			_, err := ch.Send(t.Context(), envelope(t))
			requireError(t, err, tt.status, tt.reason)
			require.Equal(t, tt.detail, asError(t, err).Detail())
		})
	}
}

func TestSend_ThrottlingSetsRetryAfter(t *testing.T) {
	t.Parallel()
	ch := openServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "7")
		answerAll(429, faultBody(429, 20429, "Too Many Requests"))(w, r)
	})
	_, err := ch.Send(t.Context(), envelope(t))
	requireError(t, err, status.Preparing, status.SystemError)
	require.Equal(t, 7*time.Second, asError(t, err).RetryAfter())
}

// Twilio makes no callback for the status in its answer.
func TestSend_StatusInAnswerCounts(t *testing.T) {
	t.Parallel()
	ofDetail := func(word, code string) string { return word + code + ", " + message }
	for body, want := range map[string]channel.Result{
		`{"sid":"` + message + `","status":"accepted"}`:                      {Status: status.Accepted},
		`{"sid":"` + message + `","status":"scheduled"}`:                     {Status: status.Accepted},
		`{"sid":"` + message + `","status":"a new one"}`:                     {Status: status.Accepted},
		`{"sid":"` + message + `"}`:                                          {Status: status.Accepted},
		`{"sid":"` + message + `","status":"queued","error_code":"none"}`:    {Status: status.Accepted},
		`{"sid":"` + message + `","status":"delivered"}`:                     {Status: status.Delivered},
		`{"sid":"` + message + `","status":"failed","error_code":30034}`:     {Status: status.Undeliverable, Reason: status.Permission, Detail: ofDetail("failed", ", error 30034")},
		`{"sid":"` + message + `","status":"failed","error_code":"30034"}`:   {Status: status.Undeliverable, Reason: status.Permission, Detail: ofDetail("failed", ", error 30034")},
		`{"sid":"` + message + `","status":"undelivered","error_code":null}`: {Status: status.Undeliverable, Reason: status.CarrierError, Detail: ofDetail("undelivered", "")},
		`{"sid":"` + message + `","status":"canceled"}`:                      {Status: status.Undeliverable, Reason: status.Canceled, Detail: ofDetail("canceled", "")},
		`{"sid":"no SID","status":"failed","error_code":886912345678}`:       {Status: status.Undeliverable, Reason: status.CarrierError, Detail: "failed"},
	} {
		if want.ProviderID = message; strings.Contains(body, "no SID") {
			want.ProviderID = attempt.String()
		}
		got, err := openServer(t, answerAll(201, body)).Send(t.Context(), envelope(t))
		require.NoError(t, err, body)
		require.Equal(t, want, got, body)
	}
}

func TestSend_LostAnswerIsInDoubt(t *testing.T) {
	t.Parallel()
	lost := openServer(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		panic(http.ErrAbortHandler)
	})
	_, err := lost.Send(t.Context(), envelope(t))
	requireError(t, err, status.Preparing, status.InDoubt)

	_, err = newUnreachable(t).Send(t.Context(), envelope(t))
	requireError(t, err, status.Preparing, status.SystemError)
}

// newUnreachable returns a channel whose Twilio refuses connections.
func newUnreachable(t *testing.T) channel.Channel {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	c := config()
	c.BaseURL = "http://" + listener.Addr().String()
	return open(t, c)
}

func TestCheckContent_RefusesUnsendable(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1600)
	for name, tt := range map[string]struct {
		text     channel.Text
		template bool // CheckContent accepts it
		sends    bool
	}{
		"a text":                         {"Your code is 498172", true, true},
		"nothing":                        {"", false, false},
		"blank":                          {" \n", false, false},
		"a variable that is all of it":   {"{{code}}", true, true},
		"as long as it may be":           {channel.Text(long), true, true},
		"too long":                       {channel.Text(long + "x"), false, false},
		"too long but for its variables": {channel.Text(long + "{{a_name}}"), true, false},
		"characters, not bytes":          {channel.Text(strings.Repeat("包", 1600)), true, true},
		"no UTF-8":                       {"Your code is \xff", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ch := openServer(t, answerAll(201, createdBody))
			require.Equal(t, tt.template, ch.CheckContent(tt.text) == nil)
			e := envelope(t)
			e.Content = tt.text
			_, err := ch.Send(t.Context(), e)
			if tt.sends {
				require.NoError(t, err)
				return
			}
			requireError(t, err, status.Undeliverable, status.ContentRejected)
		})
	}
	require.Error(t, open(t, config()).CheckContent(channel.Text("{{")))
	require.Error(t, open(t, config()).CheckContent(foreignContent{}))
}

// foreignContent is content that is not text.
type foreignContent struct{}

func (foreignContent) Vars() []string                                      { return nil }
func (p foreignContent) Render(map[string]string) (channel.Content, error) { return p, nil }

func TestCheckContent_CountsSegments(t *testing.T) {
	t.Parallel()
	ch := openServer(t, answerAll(201, createdBody), func(c *twilio.Config) { c.MaxSegments = 2 })
	for text, sends := range map[channel.Text]bool{
		channel.Text(strings.Repeat("x", 306)): true,
		channel.Text(strings.Repeat("x", 307)): false,
		channel.Text(strings.Repeat("包", 134)): true,
		channel.Text(strings.Repeat("包", 135)): false,
	} {
		require.Equal(t, sends, ch.CheckContent(text) == nil)
		e := envelope(t)
		e.Content = text
		_, err := ch.Send(t.Context(), e)
		require.Equal(t, sends, err == nil)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(201, createdBody)
	f.Add(200, `{"sid":"`+message+`","status":"failed","error_code":30007}`)
	f.Add(400, faultBody(400, 21211, "Invalid 'To' Phone Number: "+e164))
	f.Add(429, faultBody(429, 20429, "Too Many Requests"))
	f.Add(500, `{"code":"20500"}`)
	f.Add(502, "<html>"+token+"</html>")
	f.Fuzz(func(t *testing.T, code int, body string) {
		if code < 200 || code > 599 {
			t.Skip("net/http lets no other status through")
		}
		c := config()
		c.Client = &http.Client{Transport: roundTrip(func(*http.Request) *http.Response {
			return &http.Response{StatusCode: code, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
		})}
		result, err := open(t, c).Send(t.Context(), envelope(t))
		said := fmt.Sprintf("%+v %v %#v", result, err, err)
		for _, hidden := range []string{token, "912345678", "Your code is"} {
			require.NotContains(t, said, hidden)
		}
		var created struct{ SID string }
		if err == nil {
			_ = json.Unmarshal([]byte(body), &created)
			require.NotEmpty(t, created.SID)
			require.Equal(t, 2, code/100)
			require.NotEqual(t, status.Preparing, result.Status)
			require.Equal(t, result.Status > status.Accepted && result.Status < status.Delivered, result.Reason != "")
			if result.ProviderID != attempt.String() {
				require.Regexp(t, `^(SM|MM)[0-9a-fA-F]{32}$`, result.ProviderID)
			}
			return
		}
		e := asError(t, err)
		require.NotEmpty(t, e.Reason())
		require.True(t, code/100 != 5 || e.InDoubt(), "who knows what a server error means?")
	})
}

type roundTrip func(*http.Request) *http.Response

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

func TestSize_IsNumberOfSegments(t *testing.T) {
	t.Parallel()
	ch := openServer(t, answerAll(201, createdBody))
	require.Equal(t, 3, ch.Size(channel.Text(strings.Repeat("x", 307))))
	require.Equal(t, 2, ch.Size(channel.Text(strings.Repeat("包", 71))))
}
