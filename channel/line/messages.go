package line

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"unicode/utf16"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/jsontext"
	"github.com/smsplus/smsplus-go/internal/mask"
	"github.com/smsplus/smsplus-go/status"
)

// Messages is content of any kind that LINE has: a JSON array of 1 to 5 message objects, with
// variables inside its strings. See "Message objects" in the Messaging API reference.
//
//	line.Messages(`[{"type": "text", "text": "Order {{order}} has shipped"}]`)
//
// The variables are those of a [channel.Text]. A value is always data: it is escaped for
// JSON. In an address ("uri") it is not escaped for URLs, so trigger with a value that is.
// No variable may stand in a key, in a "type", or in the text of a message of the type
// textV2, where LINE reads braces itself.
type Messages string

const (
	maxMessages = 5
	// maxText is LINE's limit for a text, in UTF-16 units ("Text message" and "Character
	// counting in a text").
	maxText = 5000
)

// Format prints the length of the content and not the content, which holds a person's data
// once it is rendered. Convert it to a string to get the content.
func (m Messages) Format(w fmt.State, _ rune) { mask.Write(w, m.masked()) }

// MarshalText returns what Format prints, for logs.
func (m Messages) MarshalText() ([]byte, error) { return []byte(m.masked()), nil }

// GobEncode returns an error. Encode the content as a string.
func (Messages) GobEncode() ([]byte, error) { return nil, mask.ErrPersonal }

func (m Messages) masked() string { return fmt.Sprintf("line.Messages(%d bytes)", len(m)) }

// Vars returns the names of the variables in order of appearance. It may leave out some of
// a content that [Messages.Check] refuses.
func (m Messages) Vars() []string { return jsontext.Vars(string(m)) }

// Render replaces the variables by their values. It returns Messages.
func (m Messages) Render(vars map[string]string) (channel.Content, error) {
	text, err := renderJSON(string(m), vars)
	return Messages(text), err
}

// Check returns an error for text that is not 1 to 5 message objects as JSON. It also
// refuses a variable that is malformed or stands in a forbidden place, and a text that is
// too long without its values. LINE checks everything else when the first message is sent.
func (m Messages) Check() error {
	list, err := m.objects()
	if err != nil {
		return fmt.Errorf("line: messages: %w", err)
	}
	if err := jsontext.CheckVars(string(m), selectorKeys...); err != nil {
		return fmt.Errorf("line: messages: %w", err)
	}
	for i, message := range list {
		switch text := channel.Text(message.text()); message.kind() {
		case "text":
			if err := checkText(text); err != nil {
				return fmt.Errorf("line: messages[%d]: %w", i, err)
			}
		case "textV2":
			if len(text.Vars()) > 0 {
				return fmt.Errorf("line: messages[%d]: a variable stands in a textV2, where LINE reads braces itself", i)
			}
		}
	}
	return nil
}

// selectorKeys are the keys whose values choose the message that is sent. A variable there
// would let data choose.
var selectorKeys = []string{"type", "templateKey", "itemKey", "buttonKey"}

// renderJSON replaces the variables in the strings of a JSON text.
func renderJSON(text string, vars map[string]string) (string, error) {
	rendered, err := jsontext.Render(text, vars)
	if errors.Is(err, jsontext.ErrInvalid) {
		err = fmt.Errorf("line: %w", err)
	}
	return rendered, err
}

// message is a message object.
type message map[string]json.RawMessage

func (m message) kind() string { return m.string("type") }
func (m message) text() string { return m.string("text") }

// string returns the value of a key, or "" if it is not a string.
func (m message) string(key string) (s string) {
	if json.Unmarshal(m[key], &s) != nil {
		return ""
	}
	return s
}

// objects parses the message objects.
func (m Messages) objects() ([]message, error) {
	if err := jsontext.Validate(string(m)); err != nil {
		return nil, err
	}
	var list []message
	if json.Unmarshal([]byte(m), &list) != nil {
		return nil, errors.New("no array of objects")
	}
	if len(list) < 1 || len(list) > maxMessages {
		return nil, fmt.Errorf("%d objects, want 1 to %d", len(list), maxMessages)
	}
	for i, message := range list {
		if message.kind() == "" {
			return nil, fmt.Errorf("the object at %d has no type", i)
		}
	}
	return list, nil
}

// checkText checks a text that is not yet rendered.
func checkText(text channel.Text) error {
	if text == "" {
		return errors.New("the text is empty")
	}
	if without := withoutVars(text); utf16Len(without) > maxText {
		return fmt.Errorf("the text has %d UTF-16 units, want up to %d", utf16Len(without), maxText)
	}
	return nil
}

// withoutVars returns a text without its variables.
func withoutVars(text channel.Text) string {
	none := make(map[string]string)
	for _, name := range text.Vars() {
		none[name] = ""
	}
	if rendered, err := text.Render(none); err == nil {
		text, _ = rendered.(channel.Text)
	}
	return string(text)
}

// utf16Len returns the length of a text as LINE counts it, in UTF-16 units.
func utf16Len(s string) int {
	n := 0
	for _, r := range s {
		n += max(1, utf16.RuneLen(r))
	}
	return n
}

// payload is content in the form that is sent.
type payload struct {
	list   []message
	json   json.RawMessage
	hidden []string // texts that a detail must not repeat
}

// newPayload makes the payload of rendered content. Its error is that of a Send.
func newPayload(c channel.Content) (payload, error) {
	var r payload
	switch c := c.(type) {
	case channel.Text:
		r.json, _ = json.Marshal([]map[string]string{{"type": "text", "text": string(c)}})
		r.hidden = []string{string(c)}
	case Messages:
		r.json = json.RawMessage(c)
	default:
		return r, channel.Failed(status.TemplateConfig, fmt.Sprintf("the content is a %T", c))
	}
	var err error
	if r.list, err = Messages(r.json).objects(); err != nil {
		return r, channel.Failed(status.TemplateConfig, "messages: "+err.Error())
	}
	for i, message := range r.list {
		if n := utf16Len(message.text()); message.kind() == "text" && (n < 1 || n > maxText) {
			return r, channel.Undeliverable(status.ContentRejected,
				fmt.Sprintf("messages[%d]: the text has %d UTF-16 units, want 1 to %d", i, n, maxText))
		}
	}
	r.hidden = append(r.hidden, jsontext.PersonalStrings(string(r.json), selectorKeys...)...)
	return r, nil
}

// checkTypes returns an error for messages that a notification message may not have
// ("Message types that can be sent in LINE notification messages").
func checkTypes(list []message) error {
	for i, message := range list {
		if slices.Contains([]string{"image", "video", "audio"}, message.kind()) {
			return fmt.Errorf("messages[%d] is of the type %s, which no notification message is", i, message.kind())
		}
	}
	return nil
}
