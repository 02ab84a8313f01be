package whatsapp_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/channeltest"
	"github.com/smsplus/smsplus-go/channel/whatsapp"
)

func TestChannel_KeepsContract(t *testing.T) {
	t.Parallel()
	answering := func(answer http.HandlerFunc) func(*testing.T) channel.Channel {
		return func(t *testing.T) channel.Channel { return open(t, config(newFakeGraph(t, answer).url)) }
	}
	refusing := func(status, code int, title string) func(*testing.T) channel.Channel {
		return answering(refuseWith(status, code, title, "you sent "))
	}
	echoing := func(status int, prefix string) func(*testing.T) channel.Channel {
		return answering(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(prefix))
			_ = r.Write(w)
		})
	}
	to := number(t, "+886912345678")
	order := whatsapp.Template{
		Name:     "order_shipped",
		Language: "en_US",
		Header:   whatsapp.Header{Image: whatsapp.Media{Link: "https://shop.example/parcel-picture.png"}},
		Body:     []whatsapp.Parameter{{Text: "Jessica Lovelace"}, {Text: "parcel no. A-4711"}},
		Buttons:  []whatsapp.Button{{Index: 0, URL: "track/A-4711/kJ8x"}},
	}
	bad := func(change func(*whatsapp.Template)) channel.Content {
		c := order
		change(&c)
		return c
	}

	harness := channeltest.Harness{
		Channel: answering(nil),
		Content: order,
		Unreachable: map[string]channeltest.Case{
			"not on WhatsApp":              {Channel: refusing(400, 131026, "Message undeliverable")},
			"no number":                    {To: channel.Recipient{IDs: map[channel.Name]string{channel.LINEPush: "U4af4980629ba1e1d3c2f6a57c1b1c9d2"}}},
			"stopped":                      {Channel: refusing(400, 131050, "Unable to deliver the message.")},
			"parameters that do not match": {Channel: refusing(400, 132000, "Number of parameters does not match")},
			"the account's payment is due": {Channel: refusing(400, 131042, "Business eligibility payment issue")},
			"the token has expired":        {Channel: refusing(401, 190, "Access token has expired")},
			"no token":                     {Channel: newTokenless},
			"a token that Meta rejects":    {Channel: newWrongToken},
		},
		Faults: map[string]channeltest.Case{
			"refused connection":            {Channel: newUnreachable},
			"server error":                  {Channel: echoing(500, "<html>")},
			"bad gateway":                   {Channel: echoing(502, "")},
			"throttled":                     {Channel: refusing(400, 130429, "Rate limit hit")},
			"overloaded":                    {Channel: refusing(503, 2, "Service temporarily unavailable")},
			"an unknown code":               {Channel: refusing(400, 139999, "What is this")},
			"a success that makes no sense": {Channel: echoing(200, "")},
			"a success without a message":   {Channel: echoing(200, `{"messages":[]}`)},
			"a success with an error":       {Channel: refusing(200, 139999, "What is this")},
			"a redirect":                    {Channel: echoing(302, "")},
		},
		Stalled: channeltest.Case{Channel: newStalled},
		BadContent: []channel.Content{
			bad(func(c *whatsapp.Template) { c.Name = "" }),
			bad(func(c *whatsapp.Template) { c.Header.Image.ID = "1339522734477770" }),
			bad(func(c *whatsapp.Template) { c.Body = []whatsapp.Parameter{{Text: ""}} }),
			bad(func(c *whatsapp.Template) { c.Buttons = []whatsapp.Button{{Index: 10, URL: "x"}} }),
			bad(func(c *whatsapp.Template) { c.Buttons = []whatsapp.Button{{Index: 0}} }),
			channel.Text("Your order has shipped"),
		},
		Secrets: []string{
			token, strings.ToLower(token), appSecret, oldSecret, verifyToken,
			"Jessica Lovelace", "parcel no. A-4711", "track/A-4711/kJ8x", "parcel-picture.png",
		},
		Webhook: &channeltest.Webhook{
			Request: func(t *testing.T, _ channel.Channel, id string) *http.Request {
				return newSignedCall(t, exampleFor(t, "webhooks/failed.json", attemptOf(t, id)), appSecret)
			},
			Forged: func(t *testing.T, _ channel.Channel, id string) *http.Request {
				return newSignedCall(t, exampleFor(t, "webhooks/failed.json", attemptOf(t, id)), "another secret")
			},
			Undelivered: func(t *testing.T, _ channel.Channel, id string) *http.Request {
				return newSignedCall(t, exampleFor(t, "webhooks/failed.json", attemptOf(t, id), "errors", nil), appSecret)
			},
			Several: func(t *testing.T, _ channel.Channel, ids []string) *http.Request {
				var statuses []string
				for _, id := range ids {
					statuses = append(statuses, fmt.Sprintf(`{"id":%q,"status":"delivered","timestamp":"1750030073","biz_opaque_callback_data":%q}`,
						wamidOf(attemptOf(t, id)), attemptOf(t, id)))
				}
				return newSignedCall(t, fmt.Appendf(nil, `{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"messages",`+
					`"value":{"metadata":{"phone_number_id":%q},"statuses":[%s]}}]}]}`, phoneNumberID, strings.Join(statuses, ",")), appSecret)
			},
			Unknown: func(t *testing.T, _ channel.Channel, id string) *http.Request {
				return newSignedCall(t, exampleFor(t, "webhooks/sent.json", attemptOf(t, id), "status", "teleported"), appSecret)
			},
			Malformed: func(t *testing.T, _ channel.Channel) *http.Request {
				return newSignedCall(t, []byte(`{"object":"whatsapp_business_account","entry":[{`), appSecret)
			},
		},
	}
	for name, to := range map[string]channel.Recipient{
		"by number": to, "by user ID": {IDs: map[channel.Name]string{channel.WhatsApp: userID}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := harness
			h.To = to
			channeltest.Run(t, h)
		})
	}
}

// attemptOf returns the attempt whose message has the provider ID.
func attemptOf(t *testing.T, providerID string) string {
	t.Helper()
	attempt, ok := attemptsByProviderID.Load(providerID)
	require.True(t, ok)
	return attempt.(string)
}

func newUnreachable(t *testing.T) channel.Channel {
	gone := httptest.NewServer(nil)
	gone.Close()
	return open(t, config(gone.URL))
}

func newStalled(t *testing.T) channel.Channel {
	return open(t, config(newFakeGraph(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }).url))
}

func newTokenless(t *testing.T) channel.Channel {
	c := config(newFakeGraph(t, nil).url)
	c.Token = func() string { return " \n" }
	return open(t, c)
}

func newWrongToken(t *testing.T) channel.Channel {
	c := config(newFakeGraph(t, nil).url)
	c.Token = func() string { return strings.ToLower(token) }
	return open(t, c)
}
