package whatsapp_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel/whatsapp"
	"github.com/smsplus/smsplus-go/internal/interop"
)

// cloudAPIPeer is an independent implementation of the Cloud API.
type cloudAPIPeer struct{ *interop.Peer }

func newPeer(t *testing.T) cloudAPIPeer {
	t.Helper()
	p := cloudAPIPeer{interop.Node(t, "whatsapp.js")}
	require.Equal(t, "ready", p.Next(t))
	return p
}

// ask sends a question to the peer and decodes its answer into the pointer answer. refusal is
// the peer's error.
func (p cloudAPIPeer) ask(t *testing.T, question string, about, answer any) (refusal string) {
	t.Helper()
	line, err := json.Marshal(map[string]any{"question": question, "about": about})
	require.NoError(t, err)
	p.Tell(t, string(line))
	said := struct {
		Answer any
		Error  string
	}{Answer: answer}
	require.NoError(t, json.Unmarshal([]byte(p.Next(t)), &said))
	return said.Error
}

func TestPeer_AcceptsTemplates(t *testing.T) {
	t.Parallel()
	p, g := newPeer(t), newFakeGraph(t, nil)
	c := open(t, config(g.url))
	for name, content := range map[string]whatsapp.Template{
		"everything": {
			Header:  whatsapp.Header{Document: whatsapp.Media{Link: "https://shop.example/bill.pdf", Filename: "bill.pdf"}},
			Body:    []whatsapp.Parameter{{Text: "Ada"}, {Text: `"}],"type":"x`}},
			Buttons: []whatsapp.Button{{Index: 0, URL: "t/1"}, {Index: 4, QuickReply: "stop"}, {Index: 9, CopyCode: "X-1"}},
		},
		"named":          {Body: []whatsapp.Parameter{{Name: "who", Text: "Ada"}, {Name: "order", Text: "4711"}}},
		"header of text": {Header: whatsapp.Header{Text: whatsapp.Parameter{Text: "Ada"}}},
		"image":          {Header: whatsapp.Header{Image: whatsapp.Media{ID: "1339522734477770"}}},
		"video":          {Header: whatsapp.Header{Video: whatsapp.Media{Link: "https://shop.example/v.mp4"}}},
		"nothing":        {},
	} {
		content.Name, content.Language = "order_shipped", "en_US"
		_, err := c.Send(t.Context(), envelope(content))
		require.NoError(t, err)
		var sent struct{ Template map[string]any }
		require.NoError(t, json.Unmarshal(<-g.bodies, &sent))

		var taken map[string]any
		require.Empty(t, p.ask(t, "template", sent.Template, &taken), name)
		// It has a name and a type of its own for two fields of buttons.
		components, _ := sent.Template["components"].([]any)
		for _, c := range components {
			if c := c.(map[string]any); c["type"] == "button" {
				index, err := strconv.ParseFloat(c["index"].(string), 64)
				require.NoError(t, err)
				c["subType"], c["index"] = c["sub_type"], index
				delete(c, "sub_type")
			}
		}
		if components == nil {
			sent.Template["components"] = []any{}
		}
		require.Equal(t, sent.Template, taken, name)
	}

	malformed := map[string]any{
		"name": "order_shipped", "language": map[string]string{"code": "en_US"},
		"components": []any{map[string]any{"type": "button", "sub_type": "url", "parameters": []any{}}},
	}
	require.NotEmpty(t, p.ask(t, "template", malformed, nil), "a peer that takes everything proves nothing")
}

func TestPeer_ReadsSignaturesAlike(t *testing.T) {
	t.Parallel()
	p, c := newPeer(t), open(t, config(""))
	calls := 0
	for line := range strings.Lines(string(testdata(t, "signatures/openssl.txt"))) {
		file, signingSecret, mac := strings.Fields(line)[0], strings.Fields(line)[1], strings.Fields(line)[2]
		if signingSecret != appSecret {
			continue
		}
		body := testdata(t, file)
		for _, header := range []string{
			"sha256=" + mac, "sha256=" + strings.ToUpper(mac), "", mac, "sha1=" + mac, "sha256=" + mac[2:], "sha256=" + strings.Repeat("0", 64),
		} {
			r := newSignedCall(t, body, "")
			r.Header.Set("X-Hub-Signature-256", header)
			w, _ := serveCall(c, r, nil)
			var genuine bool
			require.Empty(t, p.ask(t, "signature", map[string]string{
				"secret": signingSecret, "body": base64.StdEncoding.EncodeToString(body), "header": header,
			}, &genuine))
			require.Equal(t, genuine, w.Code == 200, header)
			calls++
		}
	}
	require.Equal(t, 28, calls)
}

func TestPeer_ReadsStatusesAlike(t *testing.T) {
	t.Parallel()
	p, c := newPeer(t), open(t, config(""))
	for _, body := range [][]byte{
		exampleFor(t, "webhooks/sent.json", uuid.NewString()),
		exampleFor(t, "webhooks/sent.json", uuid.NewString(), "status", "delivered"),
		exampleFor(t, "webhooks/sent.json", uuid.NewString(), "status", "read"),
		exampleFor(t, "webhooks/failed.json", uuid.NewString()),
		testdata(t, "webhooks/message.json"),
	} {
		_, sunk := serveCall(c, newSignedCall(t, body, appSecret), nil)
		var statuses []struct {
			Status, Timestamp, BizOpaqueCallbackData string
			Errors                                   []struct{ Code int }
		}
		require.Empty(t, p.ask(t, "statuses", json.RawMessage(body), &statuses))
		if len(statuses) == 0 {
			require.Empty(t, sunk)
			continue
		}
		require.Len(t, sunk, 1)
		require.Len(t, sunk[0], len(statuses))
		for i, s := range statuses {
			r := sunk[0][i]
			require.Equal(t, s.BizOpaqueCallbackData, r.ProviderID)
			require.Equal(t, s.Timestamp, fmt.Sprint(r.At.Unix()))
			require.Equal(t, s.Status == "read", r.Read)
			for _, e := range s.Errors {
				require.Contains(t, r.Detail, fmt.Sprintf("%d: ", e.Code))
			}
		}
	}
}
