package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/benbjohnson/clock"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/simulated"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
)

// FuzzObject parses any body. One that is taken is an object that encoding/json reads as the
// same, and no part of it is unread without a mistake.
func FuzzObject(f *testing.F) {
	for _, body := range []string{
		`{}`, `{"a":{"b":[1,"\ud83d\ude00",null,true]}}`, `{"a":1,"a":2}`, `{"\u0061":1,"a":2}`, `{"a":"\ud800"}`, `{"a":"\\ud800"}`, `[`, `{"a":1e999}`,
		`{"a":"\udc00\ud800"}`, "\xef\xbb\xbf{}", "{\"\xff\":1}", `{}{}`, `{"a":[[[[[[[[1]]]]]]]]}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		o, err := parseObject(body)
		if err != nil {
			require.Equal(t, codeInvalidJSON, problemOf(err).Code)
			return
		}
		require.True(t, utf8.Valid(body))
		d := json.NewDecoder(bytes.NewReader(body))
		d.UseNumber()
		var want map[string]any
		require.NoError(t, d.Decode(&want))
		require.Equal(t, want, o.fields)
		names := len(o.fields)
		o.end()
		require.Len(t, *o.mistakes, min(names, maxMistakes))
	})
}

// FuzzKey parses any header. A key that is taken is found again if it is written in quotes.
func FuzzKey(f *testing.F) {
	for _, value := range []string{`"a"`, `a`, `"a\"b\\"`, `"`, ``, `"a"b`, "\"\x7f\"", `"a";p=1`, strings.Repeat("a", 256)} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		key, err := parseKey(http.Header{keyHeaderName: {value}})
		if err != nil {
			require.Equal(t, codeInvalidRequest, problemOf(err).Code)
			return
		}
		require.NotEmpty(t, key)
		require.LessOrEqual(t, len(key), maxKey)
		quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(key) + `"`
		again, err := parseKey(http.Header{keyHeaderName: {quoted}})
		require.NoError(t, err)
		require.Equal(t, key, again)
	})
}

// FuzzRequest sends any request to any operation. It is answered with JSON, without an error of
// the server. No answer repeats a long number of the request, unless the request may have stored
// it.
func FuzzRequest(f *testing.F) {
	mock := clock.NewMock()
	mock.Set(time.Date(2026, 11, 29, 10, 40, 0, 0, time.UTC))
	store := memstore.New()
	sms := simulated.New(simulated.Config{Clock: mock})
	d, err := smsplus.New(smsplus.Config{
		Store: store, Channels: []channel.Channel{sms}, Clock: mock,
		Templates: []smsplus.Template{{ID: "otp", Route: []smsplus.Step{{Channel: channel.SMS, Content: channel.Text("Your code is {{code}}")}}}},
	})
	require.NoError(f, err)
	h, err := New(Config{
		Store: store, Dispatcher: d, Clock: mock, Authorize: func(*http.Request) (string, error) { return "ann", nil },
		Allow: func(*http.Request, Action) bool { return true },
	})
	require.NoError(f, err)
	for i, body := range []string{
		`{"template":"otp","to":{"phone":"+886912345678","ids":{"sms":"1"}},"vars":{"code":"135790"},"ttl_seconds":60,"send_at":"2026-11-29T10:00:00Z"}`,
		`{"triggers":[{"template":"otp","to":{"phone":"+886912345678"},"vars":{"code":"135790"},"key":"k"}]}`,
		`{"phone":"+886912345678","range":"7d","tab":"failed","size":5,"after":"AAAA","zone":"Asia/Taipei"}`,
		`{"by":["template","hour"],"times":true,"key":"k"}`, `{"text":"0912345678"}`, "",
	} {
		f.Add(byte(i), body, "range=7d&tab=failed&by=day&reveal=false")
	}
	f.Fuzz(func(t *testing.T, choice byte, body, query string) {
		op := operations[int(choice)%len(operations)]
		path := strings.ReplaceAll(op.path, "{id}", uuid.Nil.String())
		r := httptest.NewRequest(op.method, path, strings.NewReader(body))
		r.URL.RawQuery = query
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		require.Less(t, w.Code, http.StatusInternalServerError, w.Body)
		require.True(t, json.Valid(w.Body.Bytes()))
		q, _ := url.ParseQuery(query)
		for name := range q {
			if digits := strings.Trim(name, "0123456789"); digits == "" && len(name) >= 9 {
				require.NotContains(t, w.Body.String(), name)
			}
		}
	})
}
