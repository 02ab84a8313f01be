package whatsapp_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/whatsapp"
	"github.com/smsplus/smsplus-go/status"
)

var shippedTemplate = whatsapp.Template{Name: "order_shipped", Language: "en_US", Body: []whatsapp.Parameter{{Text: "#4711"}}}

// send sends content through a Graph API with that answer.
func send(t *testing.T, content channel.Content, answer http.HandlerFunc) (channel.Result, error) {
	t.Helper()
	return open(t, config(newFakeGraph(t, answer).url)).Send(t.Context(), envelope(content))
}

func requireError(t *testing.T, err error) *channel.Error {
	t.Helper()
	var e *channel.Error
	require.ErrorAs(t, err, &e)
	return e
}

const userID = "TW.13491208655302741918"

func TestSend_ReachesAPersonByNumberOrElseByUserID(t *testing.T) {
	t.Parallel()
	byID := map[channel.Name]string{channel.WhatsApp: userID, channel.LINEPush: "U4af4980629"}
	for name, tt := range map[string]struct {
		to                 channel.Recipient
		wantTo, wantUserID any
	}{
		"a number":    {person, "+16505551234", nil},
		"a user ID":   {channel.Recipient{IDs: byID}, nil, userID},
		"both":        {channel.Recipient{Phone: person.Phone, IDs: byID}, "+16505551234", nil},
		"an empty ID": {channel.Recipient{Phone: person.Phone, IDs: map[channel.Name]string{channel.WhatsApp: ""}}, "+16505551234", nil},
	} {
		g := newFakeGraph(t, nil)
		e := envelope(shippedTemplate)
		e.To = tt.to
		_, err := open(t, config(g.url)).Send(t.Context(), e)
		require.NoError(t, err, name)
		var sent map[string]any
		require.NoError(t, json.Unmarshal(<-g.bodies, &sent))
		require.Equal(t, tt.wantTo, sent["to"], name)
		require.Equal(t, tt.wantUserID, sent["recipient"], name)
		require.Equal(t, "individual", sent["recipient_type"], name)
	}
}

// An ID belongs to the name of its channel.
func TestSend_TakesTheUserIDOfItsOwnName(t *testing.T) {
	t.Parallel()
	g := newFakeGraph(t, nil)
	c := config(g.url)
	c.Name = "whatsapp_shop"
	e := envelope(shippedTemplate)
	e.To = channel.Recipient{IDs: map[channel.Name]string{channel.WhatsApp: userID}}
	_, err := open(t, c).Send(t.Context(), e)
	require.Equal(t, status.InvalidNumber, requireError(t, err).Reason())
	require.Empty(t, g.bodies)
	e.To.IDs["whatsapp_shop"] = userID
	_, err = open(t, c).Send(t.Context(), e)
	require.NoError(t, err)
}

func TestSend_RequestsMatchMetasExamples(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		to      string
		content whatsapp.Template
	}{
		"named_parameters": {"+16505551234", whatsapp.Template{
			Name: "welcome_discount_template", Language: "en_US",
			Header: whatsapp.Header{Image: whatsapp.Media{ID: "1339522734477770"}},
			Body: []whatsapp.Parameter{
				{Name: "first_name", Text: "Jessica"}, {Name: "discount_code", Text: "WELCOME25"}, {Name: "discount_amount", Text: "25%"},
			},
		}},
		"authentication_code": {"+12015553931", whatsapp.Template{
			Name: "verification_code", Language: "en_US",
			Body:    []whatsapp.Parameter{{Text: "J$FpnYnP"}},
			Buttons: []whatsapp.Button{{URL: "J$FpnYnP"}},
		}},
		"limited_time_offer": {"+16505555555", whatsapp.Template{
			Name: "limited_time_offer_caribbean_pkg_2023", Language: "en_US",
			Header:  whatsapp.Header{Image: whatsapp.Media{ID: "1602186516975000"}},
			Body:    []whatsapp.Parameter{{Text: "Pablo"}, {Text: "CARIBE25"}},
			Buttons: []whatsapp.Button{{Index: 0, CopyCode: "CARIBE25"}, {Index: 1, URL: "n3mtql"}},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newFakeGraph(t, nil)
			e := envelope(tt.content)
			e.To = number(t, tt.to)
			_, err := open(t, config(g.url)).Send(t.Context(), e)
			require.NoError(t, err)

			var want map[string]any
			require.NoError(t, json.Unmarshal(testdata(t, "requests/"+name+".json"), &want))
			// The examples leave these fields out, or have the other of two documented forms.
			want["to"] = "+" + want["to"].(string)
			want["biz_opaque_callback_data"] = e.AttemptID.String()
			template := want["template"].(map[string]any)
			template["components"] = slices.DeleteFunc(template["components"].([]any), func(c any) bool {
				component := c.(map[string]any)
				if index, ok := component["index"].(float64); ok {
					component["index"] = fmt.Sprint(index)
				}
				return component["type"] == "limited_time_offer"
			})
			wanted, err := json.Marshal(want)
			require.NoError(t, err)
			require.JSONEq(t, string(wanted), string(<-g.bodies))
		})
	}
}

func TestSend_EveryKindOfHeaderAndButton(t *testing.T) {
	t.Parallel()
	for want, content := range map[string]whatsapp.Template{
		`{"type":"header","parameters":[{"type":"text","text":"Ada"}]}`: {Header: whatsapp.Header{Text: whatsapp.Parameter{Text: "Ada"}}},
		`{"type":"header","parameters":[{"type":"text","parameter_name":"who","text":"Ada"}]}`: {
			Header: whatsapp.Header{Text: whatsapp.Parameter{Name: "who", Text: "Ada"}},
		},
		`{"type":"header","parameters":[{"type":"video","video":{"link":"https://shop.example/v.mp4"}}]}`: {
			Header: whatsapp.Header{Video: whatsapp.Media{Link: "https://shop.example/v.mp4"}},
		},
		`{"type":"header","parameters":[{"type":"document","document":{"id":"77","filename":"bill.pdf"}}]}`: {
			Header: whatsapp.Header{Document: whatsapp.Media{ID: "77", Filename: "bill.pdf"}},
		},
		`{"type":"button","sub_type":"quick_reply","index":"2","parameters":[{"type":"payload","payload":"stop"}]}`: {
			Buttons: []whatsapp.Button{{Index: 2, QuickReply: "stop"}},
		},
	} {
		content.Name, content.Language = "order_shipped", "en_US"
		g := newFakeGraph(t, nil)
		_, err := open(t, config(g.url)).Send(t.Context(), envelope(content))
		require.NoError(t, err)
		var sent struct {
			Template struct{ Components json.RawMessage }
		}
		require.NoError(t, json.Unmarshal(<-g.bodies, &sent))
		require.JSONEq(t, "["+want+"]", string(sent.Template.Components))
	}
}

func TestSend_NoComponentsWithoutPlaceholders(t *testing.T) {
	t.Parallel()
	g := newFakeGraph(t, nil)
	_, err := open(t, config(g.url)).Send(t.Context(), envelope(whatsapp.Template{Name: "hello_world", Language: "en_US"}))
	require.NoError(t, err)
	require.NotContains(t, string(<-g.bodies), "components")
}

func TestSend_AcceptedWithHashOfMessageID(t *testing.T) {
	t.Parallel()
	c := open(t, config(newFakeGraph(t, answerWith(200, testdata(t, "answers/accepted.json"))).url))
	e := envelope(shippedTemplate)
	result, err := c.Send(t.Context(), e)
	require.NoError(t, err)
	key := whatsapp.MessageKey("wamid.HBgLMTY1MDM4Nzk0MzkVAgARGBIyQjM2RTlERTY4QjFGNzUwNDgA")
	require.Equal(t, channel.Result{Status: status.Accepted, ProviderID: key}, result)
}

func TestSend_HeldMessageIsAccepted(t *testing.T) {
	t.Parallel()
	for _, held := range []string{"held_for_quality_assessment", "paused"} {
		result, err := send(t, shippedTemplate, answerWith(200, fmt.Appendf(nil, `{"messages":[{"id":"wamid.X","message_status":%q}]}`, held)))
		require.NoError(t, err)
		require.Equal(t, status.Accepted, result.Status)
		require.Empty(t, result.Detail, "the engine keeps none of what was accepted")
	}
}

func answerWith(code int, body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = w.Write(body)
	}
}

func TestSend_ReadsMetasErrorExamples(t *testing.T) {
	t.Parallel()
	_, err := send(t, shippedTemplate, answerWith(400, testdata(t, "answers/rate_limit.json")))
	e := requireError(t, err)
	require.Equal(t, status.Preparing, e.Status())
	require.False(t, e.InDoubt())
	require.Equal(t, "130429: Rate limit hit: Cloud API message throughput has been reached.", e.Detail())

	_, err = send(t, shippedTemplate, answerWith(400, testdata(t, "answers/invalid_parameter.json")))
	e = requireError(t, err)
	require.Equal(t, status.Undeliverable, e.Status())
	require.Equal(t, status.TemplateMismatch, e.Reason())
	require.Equal(t, "100: Invalid parameter: Message must be a template message.", e.Detail())
}

// The test repeats the table as a reader of the documentation would write it, sorted by
// verdict. It finds a code in two rows, and a lost one.
func TestCodes_MeanWhatDocumentationSays(t *testing.T) {
	t.Parallel()
	type row struct {
		status status.Status
		reason status.Reason
		codes  []int
	}
	for _, r := range []row{
		{status.Preparing, status.SystemError, []int{2, 4, 17, 32, 341, 613, 80007, 80008, 130429, 131000, 131016, 131056, 131057, 133004, 2494100}},
		{status.Preparing, status.InDoubt, []int{1}},
		{status.Undeliverable, status.Authorization, []int{0, 3, 10, 102, 104, 190, 200, 210, 299, 131005}},
		{status.Undeliverable, status.Permission, []int{33, 368, 130497, 131030, 131031, 131037, 131042, 131045, 131063, 133000, 133006, 133010, 133015, 134011}},
		{status.Undeliverable, status.QuotaExceeded, []int{131048, 131064}},
		{status.Undeliverable, status.NoContact, []int{131026, 131062}},
		{status.Undeliverable, status.InvalidNumber, []int{131021}},
		{status.Undeliverable, status.Blocked, []int{130403, 130472, 131049, 131050}},
		{status.Undeliverable, status.ContentRejected, []int{131001, 131052, 131053}},
		{status.Undeliverable, status.Expired, []int{131043}},
		{status.Undeliverable, status.TemplateMismatch, []int{
			100, 131008, 131009, 132000, 132001, 132005, 132007, 132012, 132015, 132016, 132018, 132068, 132069,
			134100, 134101, 134102, 135000,
		}},
		{status.Failed, status.TemplateConfig, []int{131047, 131051}},
		// None of Meta's.
		{status.Undeliverable, status.CarrierError, []int{199, 300, 139999}},
	} {
		for _, code := range r.codes {
			_, err := send(t, shippedTemplate, refuseWith(400, code, "Title", "details"))
			e := requireError(t, err)
			require.Equal(t, r.status, e.Status(), code)
			require.Equal(t, r.reason, e.Reason(), code)
			require.Contains(t, e.Detail(), fmt.Sprintf("%d: Title", code))
			if r.status == status.Preparing {
				continue // TestWebhook_CodesAreFinal
			}
			failed := exampleFor(t, "webhooks/failed.json", uuid.NewString(), "errors", []any{map[string]any{"code": code}})
			_, sunk := serveCall(open(t, config("")), newSignedCall(t, failed, appSecret), nil)
			require.Equal(t, r.status, sunk[0][0].Status, "%d in a webhook", code)
			require.Equal(t, r.reason, sunk[0][0].Reason, "%d in a webhook", code)
		}
	}
}

func TestCodes_UnknownFollowsHTTPStatus(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer  http.HandlerFunc
		status  status.Status
		reason  status.Reason
		inDoubt bool
	}{
		"an unknown code, 429":   {refuseWith(429, 139999, "", ""), status.Preparing, status.SystemError, false},
		"an unknown code, 500":   {refuseWith(500, 139999, "", ""), status.Preparing, status.InDoubt, true},
		"an unknown code, 400":   {refuseWith(400, 139999, "", ""), status.Undeliverable, status.CarrierError, false},
		"an unknown code, 403":   {refuseWith(403, 139999, "", ""), status.Undeliverable, status.Permission, false},
		"no code, 401":           {answerWith(401, []byte(`{"error":{"message":"Who are you?"}}`)), status.Undeliverable, status.Authorization, false},
		"no code, 400":           {answerWith(400, []byte(`{"error":{"message":"No"}}`)), status.Failed, status.SystemError, false},
		"a code that is no code": {answerWith(400, []byte(`{"error":{"code":"190x"}}`)), status.Failed, status.SystemError, false},
		"no JSON, 404":           {answerWith(404, []byte("<html>")), status.Failed, status.SystemError, false},
		"no JSON, 503":           {answerWith(503, []byte("<html>")), status.Preparing, status.InDoubt, true},
		"no JSON, 200":           {answerWith(200, []byte("<html>")), status.Preparing, status.InDoubt, true},
		"no message, 200":        {answerWith(200, []byte(`{"messages":[{"message_status":"accepted"}]}`)), status.Preparing, status.InDoubt, true},
		"an error, 200":          {refuseWith(200, 139999, "", ""), status.Preparing, status.InDoubt, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := send(t, shippedTemplate, tt.answer)
			e := requireError(t, err)
			require.Equal(t, tt.status, e.Status())
			require.Equal(t, tt.reason, e.Reason())
			require.Equal(t, tt.inDoubt, e.InDoubt())
		})
	}
}

// A temporary message would be sent again, but Meta has this one.
func TestSend_NamedMessageIsAccepted(t *testing.T) {
	t.Parallel()
	for _, code := range []int{130429, 131026, 139999} {
		result, err := send(t, shippedTemplate, answerWith(200, fmt.Appendf(nil, `{"messages":[{"id":"wamid.X"}],"error":{"code":%d}}`, code)))
		require.NoError(t, err)
		require.Equal(t, status.Accepted, result.Status)
	}
	_, err := send(t, shippedTemplate, answerWith(400, []byte(`{"messages":[{"id":"wamid.X"}],"error":{"code":131026}}`)))
	require.Equal(t, status.NoContact, requireError(t, err).Reason())
}

func TestSend_PairLimitSetsRetryAfter(t *testing.T) {
	t.Parallel()
	_, err := send(t, shippedTemplate, refuseWith(400, 131056, "Pair rate limit hit", ""))
	require.Equal(t, 6*time.Second, requireError(t, err).RetryAfter())
	_, err = send(t, shippedTemplate, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "60")
		refuseWith(400, 131056, "Pair rate limit hit", "")(w, r)
	})
	require.Equal(t, time.Minute, requireError(t, err).RetryAfter())
	_, err = send(t, shippedTemplate, refuseWith(400, 130429, "Rate limit hit", ""))
	require.Zero(t, requireError(t, err).RetryAfter())
}

func TestCodes_ConfiguredComeFirst(t *testing.T) {
	t.Parallel()
	c := config(newFakeGraph(t, refuseWith(400, 131049, "Held back", "")).url)
	c.Codes = map[int]channel.Verdict{131049: {Status: status.Undeliverable, Reason: "ecosystem"}}
	ch := open(t, c)
	c.Codes[131049] = channel.Verdict{}
	_, err := ch.Send(t.Context(), envelope(shippedTemplate))
	require.Equal(t, status.Reason("ecosystem"), requireError(t, err).Reason())
}

func TestSend_CallsTokenEveryTime(t *testing.T) {
	t.Parallel()
	c := config(newFakeGraph(t, nil).url)
	tokens := []string{"an old one", token + "\n"}
	c.Token = func() string {
		defer func() { tokens = tokens[1:] }()
		return tokens[0]
	}
	ch := open(t, c)
	_, err := ch.Send(t.Context(), envelope(shippedTemplate))
	require.Equal(t, status.Authorization, requireError(t, err).Reason())
	_, err = ch.Send(t.Context(), envelope(shippedTemplate))
	require.NoError(t, err, "white space around a token does not matter")
}

func TestSend_RefusesUnsendable(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		content channel.Content
		status  status.Status
		reason  status.Reason
		detail  string
	}{
		"free text":        {channel.Text("hi"), status.Failed, status.TemplateConfig, "the content is no whatsapp.Template"},
		"a pointer":        {&shippedTemplate, status.Failed, status.TemplateConfig, "the content is no whatsapp.Template"},
		"no name":          {whatsapp.Template{Language: "en"}, status.Failed, status.TemplateConfig, "whatsapp: Template.Name: want 1 to 512 lower-case letters, digits and underscores"},
		"an empty value":   {whatsapp.Template{Name: "a", Language: "en", Body: []whatsapp.Parameter{{Text: "x"}, {}}}, status.Undeliverable, status.TemplateMismatch, "no value for Body[1].Text"},
		"a blank value":    {whatsapp.Template{Name: "a", Language: "en", Body: []whatsapp.Parameter{{Text: " \n\t"}}}, status.Undeliverable, status.TemplateMismatch, "no value for Body[0].Text"},
		"a blank button":   {whatsapp.Template{Name: "a", Language: "en", Buttons: []whatsapp.Button{{URL: " "}}}, status.Undeliverable, status.TemplateMismatch, "no value for Buttons[0]: one of URL, QuickReply and CopyCode"},
		"blank media":      {whatsapp.Template{Name: "a", Language: "en", Header: whatsapp.Header{Image: whatsapp.Media{Link: " "}}}, status.Undeliverable, status.TemplateMismatch, "no value for Header: an ID or a Link of the image"},
		"a blank heading":  {whatsapp.Template{Name: "a", Language: "en", Header: whatsapp.Header{Text: whatsapp.Parameter{Text: " "}}}, status.Undeliverable, status.TemplateMismatch, "no value for Header.Text.Text"},
		"an empty button":  {whatsapp.Template{Name: "a", Language: "en", Buttons: []whatsapp.Button{{}}}, status.Undeliverable, status.TemplateMismatch, "no value for Buttons[0]: one of URL, QuickReply and CopyCode"},
		"an empty heading": {whatsapp.Template{Name: "a", Language: "en", Header: whatsapp.Header{Text: whatsapp.Parameter{Name: "x"}}}, status.Undeliverable, status.TemplateMismatch, "no value for Header.Text.Text"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := send(t, tt.content, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })
			e := requireError(t, err)
			require.Equal(t, tt.status, e.Status())
			require.Equal(t, tt.reason, e.Reason())
			require.Equal(t, tt.detail, e.Detail())
		})
	}
}

func TestDetail_RepeatsNoValue(t *testing.T) {
	t.Parallel()
	content := whatsapp.Template{Name: "order_shipped", Language: "en_US", Body: []whatsapp.Parameter{{Text: "Jessica"}, {Text: "2"}}}
	_, err := send(t, content, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		refuseWith(400, 132000, "Number of parameters does not match", "Jessica, want 2 and not 3")(w, r)
	})
	require.Equal(t, "132000: Number of parameters does not match: ***, want 2 and not 3", requireError(t, err).Detail())

	_, err = send(t, content, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		refuseWith(400, 132000, "Number of parameters does not match", "want 2 and not 3")(w, r)
	})
	require.Equal(t, "132000: Number of parameters does not match: want 2 and not 3", requireError(t, err).Detail(),
		"a value of one letter is in too many words")
}

func TestDetail_LongNumberIsNoCode(t *testing.T) {
	t.Parallel()
	_, err := send(t, shippedTemplate, answerWith(400, []byte(`{"error":{"message":"no","code":16505551234}}`)))
	require.Equal(t, "no", requireError(t, err).Detail())
	_, err = send(t, shippedTemplate, answerWith(400, []byte(`{"error":{"message":"no","code":-16505551234}}`)))
	require.Equal(t, "no", requireError(t, err).Detail())
}

func TestCodes_MayBeTextsAndHaveFractions(t *testing.T) {
	t.Parallel()
	for _, code := range []string{`131026`, `"131026"`, `131026.0`, `"131026.0"`, `1.31026e5`} {
		_, err := send(t, shippedTemplate, answerWith(400, []byte(`{"error":{"message":"no","code":`+code+`}}`)))
		e := requireError(t, err)
		require.Equal(t, status.NoContact, e.Reason(), code)
		require.Equal(t, "131026: no", e.Detail(), code)
	}
}

func TestDetail_ErrorDataMayBeAnything(t *testing.T) {
	t.Parallel()
	for _, data := range []string{`"words"`, `[]`, `null`, `{"details":[5]}`, `{"details":"Rate limit hit"}`} {
		_, err := send(t, shippedTemplate, answerWith(400, []byte(`{"error":{"message":"(#130429) Rate limit hit","code":130429,"error_data":`+data+`}}`)))
		e := requireError(t, err)
		require.Equal(t, status.Preparing, e.Status(), data)
		require.Equal(t, "130429: Rate limit hit", e.Detail(), data)
	}
}

func TestFormat_PrintsNoSecret(t *testing.T) {
	t.Parallel()
	c := config("https://graph.example")
	ch := open(t, c)
	text, err := c.MarshalText()
	require.NoError(t, err)
	var said bytes.Buffer
	said.Write(text)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		fmt.Fprintf(&said, strings.Repeat(verb+"\n", 4), c, &c, ch, *ch)
	}
	require.Contains(t, said.String(), "2 app secrets")
	for _, signingSecret := range []string{token, appSecret, oldSecret, verifyToken} {
		require.NotContains(t, said.String(), signingSecret)
		require.NotContains(t, said.String(), fmt.Sprintf("%x", signingSecret))
	}
}

func TestCheckContent_ExplainsRefusedText(t *testing.T) {
	t.Parallel()
	c := open(t, config(""))
	require.NoError(t, c.CheckContent(shippedTemplate))
	require.ErrorContains(t, c.CheckContent(channel.Text("hi")), "within 24 hours")
	require.ErrorContains(t, c.CheckContent(&shippedTemplate), "content is a *whatsapp.Template")
}

func TestTraits_ValidityIsConfigured(t *testing.T) {
	t.Parallel()
	want := channel.Traits{Machine: status.WhatsApp, Reads: true, Validity: 30 * 24 * time.Hour}
	require.Equal(t, want, open(t, config("")).Traits())
	c := config("")
	c.Validity = 10 * time.Minute
	want.Validity = 10 * time.Minute
	require.Equal(t, want, open(t, c).Traits())
}

// FuzzAnswer reads any answer. A message is accepted only if the answer names it, and the
// detail holds nothing of the request.
func FuzzAnswer(f *testing.F) {
	for _, name := range []string{"accepted", "rate_limit", "invalid_parameter"} {
		f.Add(400, testdata(f, "answers/"+name+".json"))
		f.Add(200, testdata(f, "answers/"+name+".json"))
	}
	f.Add(502, []byte("<html>"))
	f.Fuzz(func(t *testing.T, code int, body []byte) {
		code = 200 + abs(code)%400
		c := config("https://graph.example")
		c.Client = &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
			_, _ = io.Copy(io.Discard, r.Body)
			return &http.Response{StatusCode: code, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body))}, nil
		})}
		e := envelope(whatsapp.Template{Name: "otp", Language: "en", Body: []whatsapp.Parameter{{Text: "Jessica Lovelace"}}})
		result, err := open(t, c).Send(t.Context(), e)
		said := result.Detail
		if err == nil {
			require.Equal(t, 2, code/100)
			require.Equal(t, status.Accepted, result.Status)
			require.Regexp(t, `^m-`, result.ProviderID)
			require.True(t, json.Valid(body))
		} else {
			said += requireError(t, err).Detail()
			require.NotEmpty(t, requireError(t, err).Reason())
		}
		require.NotContains(t, said, "Jessica")
		require.NotContains(t, said, "6505551234")
	})
}

func abs(n int) int { return max(n, -(n + 1)) }

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
