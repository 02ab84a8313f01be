package line_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/line"
	"github.com/smsplus/smsplus-go/status"
)

// requireRefusal returns the error of a Send.
func requireRefusal(t *testing.T, err error) *channel.Error {
	t.Helper()
	e, ok := errors.AsType[*channel.Error](err)
	require.True(t, ok, "%v", err)
	return e
}

func requireVerdict(t *testing.T, err error, s status.Status, r status.Reason) {
	t.Helper()
	e := requireRefusal(t, err)
	require.Equal(t, s, e.Status(), "%v", err)
	require.Equal(t, r, e.Reason(), "%v", err)
}

func TestPush_CarriesAttemptAsRetryKey(t *testing.T) {
	t.Parallel()
	f := newFakeLINE(t, nil)
	e := envelope(t, channel.Text("Your code is \"1\"\n{{code}}"))
	push := newPush(t, line.PushConfig{Account: account(f.URL + "/")})
	result, err := push.Send(t.Context(), e)
	require.NoError(t, err)
	require.Equal(t, channel.Result{Status: status.Delivered}, result, "LINE sends no receipts for it")

	got := f.onlyRequest(t)
	require.Equal(t, "POST "+pushPath, got.Method+" "+got.Path)
	require.Equal(t, "Bearer "+token, got.Header.Get("Authorization"))
	require.Equal(t, "application/json", got.Header.Get("Content-Type"))
	require.Equal(t, e.AttemptID.String(), got.Header.Get("X-Line-Retry-Key"), "on the first request")
	require.JSONEq(t, `{"to":"`+user+`","messages":[{"type":"text","text":"Your code is \"1\"\n{{code}}"}]}`, got.Body)

	again, err := push.Send(t.Context(), e)
	require.NoError(t, err, "409 says that LINE has it")
	require.Equal(t, result, again)
}

func TestPush_SendsRenderedMessagesUnchanged(t *testing.T) {
	t.Parallel()
	f := newFakeLINE(t, nil)
	const sent = `[{"type":"text","text":"{{code}} {{"},{"type":"location","title":"a","address":"b","latitude":35.687574000000000001,"longitude":1e-7}]`
	_, err := newPush(t, line.PushConfig{Account: account(f.URL)}).Send(t.Context(), envelope(t, line.Messages(sent)))
	require.NoError(t, err)
	require.Equal(t, decodeJSON(t, `{"to":"`+user+`","messages":`+sent+`}`), decodeJSON(t, f.onlyRequest(t).Body))
}

// monthlyLimitBody is LINE's answer in github.com/line/line-bot-sdk-java/issues/426.
const monthlyLimitBody = `{"message":"You have reached your monthly limit."}`

func TestPush_VerdictsOfRefusals(t *testing.T) {
	t.Parallel()
	const temporary, id = status.Preparing, " (request 123e4567-e89b-12d3-a456-426655440002)"
	for _, tt := range []struct {
		code   int
		body   string
		status status.Status
		reason status.Reason
		detail string
	}{
		{400, `{"message":"The property, 'to', in the request body is invalid (line: -, column: -)"}`, status.Undeliverable, status.NoContact, "HTTP 400: The property, 'to', in the request body is invalid (line: -, column: -)"},
		{400, `{"message":"The request body has 1 error(s)","details":[{"message":"May not be empty","property":"to"}]}`, status.Undeliverable, status.NoContact, "HTTP 400: The request body has 1 error(s); 'to': May not be empty"},
		{400, `{"message":"Failed to send messages"}`, status.Undeliverable, status.NoContact, "HTTP 400: Failed to send messages"},
		{400, `{"message":"The request body has 1 error(s)","details":[{"message":"May not be empty","property":"messages[0].text"}]}`, status.Undeliverable, status.ContentRejected, "HTTP 400: The request body has 1 error(s); 'messages[0].text': May not be empty"},
		{400, `{"message":"A message (messages[0]) in the request body is invalid","details":[{"message":"must be non-empty text","property":"/body/contents/0/text"}]}`, status.Undeliverable, status.ContentRejected, "HTTP 400: A message (messages[0]) in the request body is invalid; '/body/contents/0/text': must be non-empty text"},
		{400, `{"message":"The user hasn't added the LINE Official Account as a friend."}`, status.Undeliverable, status.NoContact, "HTTP 400: The user hasn't added the LINE Official Account as a friend."},
		{400, `{"message":"The request body could not be parsed as JSON (line: 1, column: 2)"}`, status.Failed, status.SystemError, "HTTP 400: The request body could not be parsed as JSON (line: 1, column: 2)"},
		{400, `{"message":"The request body has 1 error(s)","details":[{"message":"Size must be between 0 and 1","property":"customAggregationUnits"}]}`, status.Failed, status.TemplateConfig, "HTTP 400: The request body has 1 error(s); 'customAggregationUnits': Size must be between 0 and 1"},
		{400, `not LINE's`, status.Undeliverable, status.ContentRejected, "HTTP 400"},
		{401, `{"message":"Authentication failed due to the following reason: invalid token"}`, status.Undeliverable, status.Authorization, "HTTP 401: Authentication failed due to the following reason: invalid token"},
		{403, `{"message":"Access to this API is not available for your account"}`, status.Undeliverable, status.Permission, "HTTP 403: Access to this API is not available for your account"},
		{404, `{}`, status.Failed, status.SystemError, "HTTP 404"},
		{404, `{"message":"Not found"}`, status.Undeliverable, status.CarrierError, "HTTP 404: Not found"},
		{410, `<html>`, status.Failed, status.SystemError, "HTTP 410"},
		{413, `<html>`, status.Undeliverable, status.ContentRejected, "HTTP 413"},
		{429, monthlyLimitBody, status.Undeliverable, status.QuotaExceeded, "HTTP 429: You have reached your monthly limit."},
		{429, `{"message":"The API rate limit has been exceeded. Try again later."}`, temporary, status.SystemError, "HTTP 429: The API rate limit has been exceeded. Try again later."},
		{500, `{"message":"Internal server error"}`, temporary, status.InDoubt, "HTTP 500: Internal server error"},
		{502, `<html>`, temporary, status.InDoubt, "HTTP 502"},
	} {
		t.Run(fmt.Sprint(tt.code, tt.body), func(t *testing.T) {
			t.Parallel()
			f := newFakeLINE(t, map[string]http.HandlerFunc{pushPath: refuseWith(tt.code, tt.body)})
			_, err := newPush(t, line.PushConfig{Account: account(f.URL)}).Send(t.Context(), envelope(t, text))
			requireVerdict(t, err, tt.status, tt.reason)
			require.Equal(t, tt.detail+id, requireRefusal(t, err).Detail())
		})
	}
}

func TestPush_ThrottledRetriesWhenLINESays(t *testing.T) {
	t.Parallel()
	f := newFakeLINE(t, map[string]http.HandlerFunc{pushPath: echoError(http.StatusTooManyRequests, "", "", "")})
	_, err := newPush(t, line.PushConfig{Account: account(f.URL)}).Send(t.Context(), envelope(t, text))
	requireVerdict(t, err, status.Preparing, status.SystemError)
	require.Equal(t, 30*time.Second, requireRefusal(t, err).RetryAfter())
}

func TestPush_FindsRecipient(t *testing.T) {
	t.Parallel()
	const other = "U00000000000000000000000000000000"
	both := channel.Recipient{Phone: number(t, e164), IDs: map[channel.Name]string{channel.LINEPush: user}}
	byPhone := channel.Recipient{Phone: number(t, e164)}
	byID := channel.Recipient{IDs: map[channel.Name]string{channel.LINEPush: user}}
	for name, tt := range map[string]struct {
		contacts line.Contacts
		to       channel.Recipient
		want     string // the user ID of the request, or the reason of the refusal
	}{
		"the user ID goes before the number": {fixedContacts{contacts: []line.Contact{{UserID: other}}}, both, user},
		"the number's one user":              {fixedContacts{contacts: []line.Contact{{UserID: other}}}, byPhone, other},
		"a user ID needs no contacts":        {nil, byID, user},
		"a number needs contacts":            {nil, byPhone, "no_contact"},
		"no user has the number":             {fixedContacts{}, byPhone, "no_contact"},
		"several users have the number":      {fixedContacts{contacts: []line.Contact{{UserID: user, Blocked: true}, {UserID: other}}}, byPhone, "no_contact"},
		"a user who has blocked":             {fixedContacts{contacts: []line.Contact{{UserID: user, Blocked: true}}}, byPhone, "blocked"},
		"blocked, by user ID":                {fixedContacts{blocked: true}, byID, "blocked"},
		"the contacts' fault":                {fixedContacts{err: context.DeadlineExceeded}, byPhone, "system_error"},
		"the contacts' fault, by user ID":    {fixedContacts{err: context.DeadlineExceeded}, byID, "system_error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeLINE(t, nil)
			e := envelope(t, text)
			e.To = tt.to
			_, err := newPush(t, line.PushConfig{Account: account(f.URL), Contacts: tt.contacts}).Send(t.Context(), e)
			if err == nil {
				require.Contains(t, f.onlyRequest(t).Body, `"to":"`+tt.want+`"`)
				return
			}
			require.Empty(t, f.sentRequests())
			kind := status.Undeliverable
			if tt.want == "system_error" {
				kind = status.Preparing
			}
			requireVerdict(t, err, kind, status.Reason(tt.want))
		})
	}
}

func TestPush_ChecksProfileFirst(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		profile http.HandlerFunc
		status  status.Status
		reason  status.Reason
	}{
		"a profile":       {nil, status.Delivered, ""},
		"no profile":      {refuseWith(http.StatusNotFound, `{"message":"Not found"}`), status.Undeliverable, status.Blocked},
		"a server error":  {refuseWith(http.StatusInternalServerError, ""), status.Preparing, status.SystemError},
		"throttled":       {refuseWith(http.StatusTooManyRequests, ""), status.Preparing, status.SystemError},
		"no answer":       {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, status.Preparing, status.SystemError},
		"LINE forbids it": {refuseWith(http.StatusForbidden, ""), status.Delivered, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeLINE(t, map[string]http.HandlerFunc{profilePath: tt.profile})
			push := newPush(t, line.PushConfig{Account: account(f.URL), CheckProfile: true})
			result, err := push.Send(t.Context(), envelope(t, text))
			asked := f.sentRequests()
			require.Equal(t, "GET "+profilePath, asked[0].Method+" "+asked[0].Path)
			require.Empty(t, asked[0].Header.Get("X-Line-Retry-Key"))
			if tt.status == status.Delivered {
				require.NoError(t, err)
				require.Equal(t, tt.status, result.Status)
				require.Len(t, asked, 2)
				return
			}
			requireVerdict(t, err, tt.status, tt.reason)
			for _, r := range asked {
				require.Equal(t, profilePath, r.Path, "nothing was sent")
			}
		})
	}
}

func TestPush_EscapesUserIDInPath(t *testing.T) {
	t.Parallel()
	f := newFakeLINE(t, nil)
	e := envelope(t, text)
	e.To.IDs = map[channel.Name]string{channel.LINEPush: "../../message/push?"}
	_, err := newPush(t, line.PushConfig{Account: account(f.URL), CheckProfile: true}).Send(t.Context(), e)
	require.NoError(t, err)
	require.Equal(t, "/v2/bot/profile/..%2F..%2Fmessage%2Fpush%3F", f.sentRequests()[0].Path)
}

func TestPush_RefusesGroups(t *testing.T) {
	t.Parallel()
	f := newFakeLINE(t, nil)
	for _, kind := range []string{"C", "R"} {
		e := envelope(t, text)
		e.To.IDs = map[channel.Name]string{channel.LINEPush: kind + strings.Repeat("0a", 16)}
		_, err := newPush(t, line.PushConfig{Account: account(f.URL)}).Send(t.Context(), e)
		var refused *channel.Error
		require.ErrorAs(t, err, &refused)
		require.Equal(t, status.Undeliverable, refused.Status())
		require.Equal(t, status.NoContact, refused.Reason())
	}
	require.Empty(t, f.sentRequests())
}

func TestPush_WebhookUpdatesContactsOnly(t *testing.T) {
	t.Parallel()
	directory := line.NewDirectory()
	handler := newPush(t, line.PushConfig{Account: account(""), Contacts: directory}).ReceiptHandler(nil)
	serve := func(handler http.Handler, body, signingSecret string) int {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, call(body, sign(signingSecret, []byte(body))))
		return w.Code
	}
	require.Equal(t, http.StatusOK, serve(handler, follow("unfollow", user, 1), signingSecret))
	blocked, _ := directory.Blocked(t.Context(), user)
	require.True(t, blocked)
	require.Equal(t, http.StatusOK, serve(handler, delivery("e0b0e5a1-8f2c-4a63-9a63-2f3c9f6c5d11"), signingSecret))
	require.Equal(t, http.StatusUnauthorized, serve(handler, follow("follow", user, 2), "another"))
	require.Equal(t, http.StatusBadRequest, serve(handler, `{}`, signingSecret))
	require.Equal(t, http.StatusRequestEntityTooLarge, serve(handler, strings.Repeat(" ", 2<<20), signingSecret))

	deaf := newPush(t, line.PushConfig{Account: account(""), Contacts: fixedContacts{}}).ReceiptHandler(nil)
	require.Equal(t, http.StatusOK, serve(deaf, follow("unfollow", user, 1), signingSecret))

	open := account("")
	open.Secrets = nil
	closed := newPush(t, line.PushConfig{Account: open}).ReceiptHandler(nil)
	require.Equal(t, http.StatusUnauthorized, serve(closed, follow("follow", user, 3), ""), "without a secret nobody is LINE")
}
