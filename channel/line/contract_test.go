package line_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/channeltest"
	"github.com/smsplus/smsplus-go/channel/line"
	"github.com/smsplus/smsplus-go/phone"
)

const (
	text   = channel.Text("Your order has shipped and will arrive on Friday")
	flex   = line.Messages(`[{"type":"flex","altText":"It arrives on Friday","contents":{"type":"bubble","body":{"type":"box","layout":"vertical","contents":[{"type":"text","text":"Your order has shipped"}]}}}]`)
	shaped = line.Templated(`{"templateKey":"shipment_completed_ja","body":{"emphasizedItem":{"itemKey":"date_002_ja","content":"Aug. 10"},"items":[{"itemKey":"number_001_ja","content":"Your order has shipped"}]}}`)
)

// secretTexts are texts that no error may hold: the secrets and the texts of the contents.
var secretTexts = []string{token, signingSecret, hash, hash[:12], hash[20:32], "Your order has", "arrives on Friday", "Aug. 10", "vertical"}

// unreachableURL is unreachable because nothing listens on port 1. The port of a closed
// server could soon belong to another test.
const unreachableURL = "http://127.0.0.1:1"

// faultyServers returns URLs of LINE servers that fail on a path, by fault.
func faultyServers(t *testing.T, path string) map[string]string {
	t.Helper()
	at := func(h http.HandlerFunc) string { return newFakeLINE(t, map[string]http.HandlerFunc{path: h}).URL }
	return map[string]string{
		"refused connection": unreachableURL,
		"no answer": at(func(http.ResponseWriter, *http.Request) {
			panic(http.ErrAbortHandler)
		}),
		"server error":      at(echoError(http.StatusInternalServerError, "Internal server error", "", "")),
		"proxy's own error": at(refuseWith(http.StatusBadGateway, "<html>"+e164)),
		"throttled":         at(echoError(http.StatusTooManyRequests, "The API rate limit has been exceeded. Try again later.", "", "")),
		"wrong credentials": at(echoError(http.StatusUnauthorized, "Authentication failed", "", "")),
		"no permission":     at(echoError(http.StatusForbidden, "Access to this API is not available for your account", "", "")),
		"bad request":       at(echoError(http.StatusBadRequest, "The request body has 1 error(s)", "messages[0].text", "May not be empty")),
		"elsewhere": at(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/?to="+e164, http.StatusTemporaryRedirect)
		}),
		"nonsense": notHTTPServer(t),
	}
}

// notHTTPServer returns the URL of a server that does not speak HTTP.
func notHTTPServer(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { // a client may dial and not use the connection
				_, _ = c.Read(make([]byte, 4096))
				_, _ = io.WriteString(c, "to="+e164+"\r\n\r\n")
				_ = c.Close()
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

func stalled(t *testing.T, path string) string {
	t.Helper()
	return newFakeLINE(t, map[string]http.HandlerFunc{path: func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
	}}).URL
}

// fixedContacts is a Contacts with fixed answers.
type fixedContacts struct {
	contacts []line.Contact
	blocked  bool
	err      error
}

func (b fixedContacts) ByPhone(context.Context, phone.Number) ([]line.Contact, error) {
	return b.contacts, b.err
}
func (b fixedContacts) Blocked(context.Context, string) (bool, error) { return b.blocked, b.err }

func TestPush_KeepsContract(t *testing.T) {
	t.Parallel()
	byPhone := channel.Recipient{Phone: number(t, e164)}
	knows := fixedContacts{contacts: []line.Contact{{UserID: user}}}
	with := func(url string, c line.PushConfig) func(*testing.T) channel.Channel {
		return func(t *testing.T) channel.Channel {
			c := c
			if url == "" {
				url = newFakeLINE(t, nil).URL
			}
			c.Account = account(url)
			return newPush(t, c)
		}
	}
	answering := func(path string, h http.HandlerFunc) func(*testing.T) channel.Channel {
		return func(t *testing.T) channel.Channel {
			url := newFakeLINE(t, map[string]http.HandlerFunc{path: h}).URL
			return newPush(t, line.PushConfig{Account: account(url), Contacts: knows, CheckProfile: path == profilePath})
		}
	}
	for name, content := range map[string]channel.Content{"text": text, "messages": flex} {
		h := channeltest.Harness{
			NoReceipts:      true, // its calls are about followers
			RequestsPerSend: 2,    // it asks for the profile first
			Channel: func(t *testing.T) channel.Channel {
				return newPush(t, line.PushConfig{Account: account(newFakeLINE(t, nil).URL), Contacts: knows, CheckProfile: true})
			},
			Content: content,
			To:      byPhone,
			Unreachable: map[string]channeltest.Case{
				"nothing to find one by":   {Channel: with(unreachableURL, line.PushConfig{})},
				"no contact":               {Channel: with(unreachableURL, line.PushConfig{Contacts: fixedContacts{}})},
				"several contacts":         {Channel: with(unreachableURL, line.PushConfig{Contacts: fixedContacts{contacts: make([]line.Contact, 2)}})},
				"blocked":                  {Channel: with(unreachableURL, line.PushConfig{Contacts: fixedContacts{contacts: []line.Contact{{UserID: user, Blocked: true}}}})},
				"blocked, by user ID":      {Channel: with(unreachableURL, line.PushConfig{Contacts: fixedContacts{blocked: true}}), To: channel.Recipient{IDs: map[channel.Name]string{channel.LINEPush: user}}},
				"no profile":               {Channel: answering(profilePath, echoError(http.StatusNotFound, "Not found", "", ""))},
				"unknown user ID":          {Channel: answering(pushPath, echoError(http.StatusBadRequest, "The property, 'to', in the request body is invalid (line: -, column: -)", "", ""))},
				"user ID that was refused": {Channel: answering(pushPath, echoError(http.StatusBadRequest, "The request body has 1 error(s)", "to", "May not be empty"))},
				"user ID of nobody":        {Channel: answering(pushPath, echoError(http.StatusBadRequest, "Failed to send messages", "", ""))},
				"quota used up":            {Channel: answering(pushPath, echoError(http.StatusTooManyRequests, "You have reached your monthly limit.", "", ""))},
			},
			Faults: map[string]channeltest.Case{
				"contacts that fail": {Channel: with(unreachableURL, line.PushConfig{Contacts: fixedContacts{err: errors.New("no row for " + e164 + " " + user)}})},
				"contacts that fail, by user ID": {
					Channel: with(unreachableURL, line.PushConfig{Contacts: fixedContacts{err: errors.New("no row for " + user)}}),
					To:      channel.Recipient{IDs: map[channel.Name]string{channel.LINEPush: user}},
				},
			},
			Stalled:    channeltest.Case{Channel: with(stalled(t, pushPath), line.PushConfig{Contacts: knows})},
			BadContent: badContent,
			Secrets:    secretTexts,
		}
		for trouble, url := range faultyServers(t, pushPath) {
			h.Faults[trouble] = channeltest.Case{Channel: with(url, line.PushConfig{Contacts: knows})}
		}
		for trouble, url := range faultyServers(t, profilePath) {
			// Other failures of the profile call do not stop a message: it would meet them itself.
			if trouble == "server error" || trouble == "throttled" || trouble == "no answer" {
				h.Faults[trouble+", profile"] = channeltest.Case{Channel: with(url, line.PushConfig{Contacts: knows, CheckProfile: true})}
			}
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			channeltest.Run(t, h)
		})
	}
}

func TestNotification_KeepsContract(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		content channel.Content
		path    string
	}{
		"text":      {text, flexiblePath},
		"messages":  {flex, flexiblePath},
		"templated": {shaped, templatedPath},
	} {
		with := func(url string) channeltest.Case {
			return channeltest.Case{Channel: func(t *testing.T) channel.Channel {
				return newNotification(t, line.NotificationConfig{Account: account(url)})
			}}
		}
		at := func(h http.HandlerFunc) channeltest.Case {
			return with(newFakeLINE(t, map[string]http.HandlerFunc{tt.path: h}).URL)
		}
		h := channeltest.Harness{
			Channel: func(t *testing.T) channel.Channel {
				return newNotification(t, line.NotificationConfig{Account: account(newFakeLINE(t, nil).URL)})
			},
			Content: tt.content,
			To:      channel.Recipient{Phone: number(t, e164)},
			Unreachable: map[string]channeltest.Case{
				"no match":      at(echoError(http.StatusUnprocessableEntity, "Failed to send messages", "", "")),
				"no number":     {To: channel.Recipient{IDs: map[channel.Name]string{channel.LINEPush: user}}},
				"quota used up": at(echoError(http.StatusTooManyRequests, "You have reached your monthly limit.", "", "")),
			},
			Faults:  map[string]channeltest.Case{},
			Stalled: with(stalled(t, tt.path)),
			BadContent: append(badContent,
				line.Messages(`[{"type":"image","originalContentUrl":"https://example.com/a.png","previewImageUrl":"https://example.com/a.png"}]`),
				line.Templated(`{"body":{}}`), line.Templated(`{"templateKey":"a","to":"b"}`), line.Templated(`{"templateKey":`)),
			Secrets: secretTexts,
			Webhook: &channeltest.Webhook{
				Request: func(_ *testing.T, _ channel.Channel, id string) *http.Request {
					return call(delivery(id), sign(signingSecret, []byte(delivery(id))))
				},
				Forged: func(_ *testing.T, _ channel.Channel, id string) *http.Request {
					return call(delivery(id), sign("another secret", []byte(delivery(id))))
				},
				Malformed: func(*testing.T, channel.Channel) *http.Request {
					return call(`{"destination":"U0"}`, sign(signingSecret, []byte(`{"destination":"U0"}`)))
				},
				Several: func(_ *testing.T, _ channel.Channel, ids []string) *http.Request {
					return call(delivery(ids...), sign(signingSecret, []byte(delivery(ids...))))
				},
				Unknown: func(_ *testing.T, _ channel.Channel, id string) *http.Request {
					event := strings.Replace(delivery(id), `"delivery"`, `"teleportation"`, 1)
					return call(event, sign(signingSecret, []byte(event)))
				},
			},
		}
		for trouble, url := range faultyServers(t, tt.path) {
			h.Faults[trouble] = with(url)
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			channeltest.Run(t, h)
		})
	}
}
