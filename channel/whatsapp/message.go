package whatsapp

import (
	"strconv"

	"github.com/smsplus/smsplus-go/channel"
)

// message is the request of a send (Messages API, "POST /{Version}/{Phone-Number-ID}/
// messages"; for the template, Send messages, "Template messages").
type message struct {
	Product       string   `json:"messaging_product"`
	RecipientType string   `json:"recipient_type"`
	To            string   `json:"to,omitempty"`
	Recipient     string   `json:"recipient,omitempty"`
	CallbackData  string   `json:"biz_opaque_callback_data"`
	Type          string   `json:"type"`
	Template      template `json:"template"`
}

type template struct {
	Name       string      `json:"name"`
	Language   language    `json:"language"`
	Components []component `json:"components,omitempty"`
}

type language struct {
	Code string `json:"code"`
}

type component struct {
	Type       string      `json:"type"`
	SubType    string      `json:"sub_type,omitempty"`
	Index      string      `json:"index,omitempty"`
	Parameters []parameter `json:"parameters"`
}

type parameter struct {
	Type       string `json:"type"`
	Name       string `json:"parameter_name,omitempty"`
	Text       string `json:"text,omitempty"`
	Image      *media `json:"image,omitempty"`
	Video      *media `json:"video,omitempty"`
	Document   *media `json:"document,omitempty"`
	Payload    string `json:"payload,omitempty"`
	CouponCode string `json:"coupon_code,omitempty"`
}

type media struct {
	ID       string `json:"id,omitempty"`
	Link     string `json:"link,omitempty"`
	Filename string `json:"filename,omitempty"`
}

// newMessage returns the request that sends an envelope's content to the person's number, or
// else to the user ID on the channel.
//
// A user ID has a field of its own, recipient, and recipient_type stays individual. Meta asks
// for the number where it is known, and uses it if both are there (Business-scoped user IDs,
// "Messages API"). In the field of the number, a user ID is accepted and never delivered
// (github.com/chatwoot/chatwoot, pull request 15150).
//
// The number keeps its plus. Without it, Meta adds the country code of the sending number,
// and the message goes to another person (Send messages, "WhatsApp user phone number
// formats").
func newMessage(e channel.Envelope, userID string, t Template) message {
	if !e.To.Phone.IsZero() {
		userID = ""
	}
	return message{
		Product:       "whatsapp",
		RecipientType: "individual",
		To:            e.To.Phone.E164(),
		Recipient:     userID,
		CallbackData:  e.AttemptID.String(),
		Type:          "template",
		Template:      template{t.Name, language{t.Language}, t.components()},
	}
}

func (t Template) components() []component {
	var all []component
	if h := t.Header.parameters(); len(h) > 0 {
		all = append(all, component{Type: "header", Parameters: h})
	}
	if len(t.Body) > 0 {
		body := component{Type: "body"}
		for _, p := range t.Body {
			body.Parameters = append(body.Parameters, p.toParameter())
		}
		all = append(all, body)
	}
	for _, b := range t.Buttons {
		all = append(all, b.toComponent())
	}
	return all
}

func (p Parameter) toParameter() parameter {
	return parameter{Type: "text", Name: p.Name, Text: string(p.Text)}
}

func (h Header) parameters() []parameter {
	var all []parameter
	if h.Text.Text != "" {
		all = append(all, h.Text.toParameter())
	}
	if m := h.Image.toMedia(); m != nil {
		all = append(all, parameter{Type: "image", Image: m})
	}
	if m := h.Video.toMedia(); m != nil {
		all = append(all, parameter{Type: "video", Video: m})
	}
	if m := h.Document.toMedia(); m != nil {
		all = append(all, parameter{Type: "document", Document: m})
	}
	return all
}

func (m Media) toMedia() *media {
	if m == (Media{}) {
		return nil
	}
	return &media{string(m.ID), string(m.Link), string(m.Filename)}
}

func (b Button) toComponent() component {
	c := component{Type: "button", Index: strconv.Itoa(b.Index)}
	switch {
	case !isBlank(b.URL):
		c.SubType, c.Parameters = "url", []parameter{{Type: "text", Text: string(b.URL)}}
	case !isBlank(b.QuickReply):
		c.SubType, c.Parameters = "quick_reply", []parameter{{Type: "payload", Payload: string(b.QuickReply)}}
	default:
		c.SubType, c.Parameters = "copy_code", []parameter{{Type: "coupon_code", CouponCode: string(b.CopyCode)}}
	}
	return c
}
