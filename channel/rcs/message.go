package rcs

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/jsontext"
	"github.com/smsplus/smsplus-go/internal/mask"
	"github.com/smsplus/smsplus-go/status"
)

// Message is content of any kind that the platform has: an AgentMessage as JSON (the
// reference, phones.agentMessages), with variables inside its strings.
//
//	rcs.Message(`{
//		"contentMessage": {
//			"text": "Order {{order}} has shipped",
//			"suggestions": [{"reply": {"text": "Thanks", "postbackData": "thanks {{order}}"}}]
//		},
//		"messageTrafficType": "TRANSACTION"
//	}`)
//
// The variables are those of a [channel.Text]. A value is always data: it is escaped for JSON.
// In an address it is not escaped for URLs, so trigger with a value that is. No variable may
// stand in a key or in the messageTrafficType. The time to live is the step's.
type Message string

const (
	// maxText is the limit for a text in characters ("Message size limits"). That they are
	// Unicode code points is assumed.
	maxText = 3072
	// maxBytes is the limit for a whole message ("Message size limits": 250 KB).
	maxBytes = 250_000
)

// fixedKeys are the keys whose values choose what is sent.
var fixedKeys = []string{"messageTrafficType"}

// ownKeys are the keys that the adapter or the platform sets.
var ownKeys = []string{"name", "sendTime", "expireTime", "ttl"}

// Format prints the length of the content and not the content, which holds a person's data
// once it is rendered. Convert it to a string to get the content.
func (m Message) Format(w fmt.State, _ rune) { mask.Write(w, m.masked()) }

// MarshalText returns what Format prints, for logs.
func (m Message) MarshalText() ([]byte, error) { return []byte(m.masked()), nil }

// GobEncode returns an error. Encode the content as a string.
func (Message) GobEncode() ([]byte, error) { return nil, mask.ErrPersonal }

func (m Message) masked() string { return fmt.Sprintf("rcs.Message(%d bytes)", len(m)) }

// Vars returns the names of the variables in order of appearance. It may leave out some of
// a content that [Message.Check] refuses.
func (m Message) Vars() []string { return jsontext.Vars(string(m)) }

// Render replaces the variables by their values. It returns a Message.
func (m Message) Render(vars map[string]string) (channel.Content, error) {
	text, err := jsontext.Render(string(m), vars)
	if errors.Is(err, jsontext.ErrInvalid) {
		err = fmt.Errorf("rcs: message: %w", err)
	}
	return Message(text), err
}

// Check returns an error for text that is no AgentMessage as JSON, or has a field that is the
// adapter's or the platform's to set. It also refuses a variable that is malformed or stands in
// a forbidden place. The platform checks everything else when the first message is sent.
func (m Message) Check() error {
	_, err := m.fields()
	if err == nil {
		err = jsontext.CheckVars(string(m), fixedKeys...)
	}
	if err != nil {
		return fmt.Errorf("rcs: message: %w", err)
	}
	return nil
}

// fields returns the fields of the AgentMessage.
func (m Message) fields() (map[string]json.RawMessage, error) {
	if err := jsontext.Validate(string(m)); err != nil {
		return nil, err
	}
	var fields, content map[string]json.RawMessage
	if json.Unmarshal([]byte(m), &fields) != nil || fields == nil {
		return nil, errors.New("no JSON object")
	}
	for _, key := range ownKeys {
		if fields[key] != nil {
			return nil, fmt.Errorf("%q is not the application's to set", key)
		}
	}
	if json.Unmarshal(fields["contentMessage"], &content) != nil || len(content) == 0 {
		return nil, errors.New("contentMessage is required, as in the reference's AgentMessage")
	}
	return fields, nil
}

// CheckContent returns an error for content that is no [channel.Text] and no [Message]. It
// also refuses a text that is empty, or too long without its values.
func (c *Channel) CheckContent(content channel.Content) error {
	switch content := content.(type) {
	case channel.Text:
		none := make(map[string]string)
		for _, name := range content.Vars() {
			none[name] = ""
		}
		rendered, err := content.Render(none)
		if err != nil {
			return err
		}
		text, _ := rendered.(channel.Text)
		if strings.TrimSpace(string(text)) == "" && len(none) > 0 {
			return nil // its values are its text
		}
		if problem := textProblem(string(text)); problem != "" {
			return errors.New("rcs: " + problem)
		}
		return nil
	case Message:
		return content.Check()
	default:
		return fmt.Errorf("rcs: the content is a %T, want a channel.Text or an rcs.Message", content)
	}
}

// textProblem returns why the platform would refuse a text, or "".
func textProblem(text string) string {
	switch n := utf8.RuneCountInString(text); {
	case strings.TrimSpace(text) == "":
		return "the text is empty"
	case n > maxText:
		return fmt.Sprintf("the text has %d characters, want at most %d", n, maxText)
	case !utf8.ValidString(text):
		return "the text is no valid UTF-8"
	default:
		return ""
	}
}

// payload returns the fields of rendered content, and the texts that a detail must not repeat.
// Its error is that of a Send.
func payload(content channel.Content) (fields map[string]json.RawMessage, hidden []string, err error) {
	switch content := content.(type) {
	case channel.Text:
		if problem := textProblem(string(content)); problem != "" {
			return nil, nil, channel.Undeliverable(status.ContentRejected, problem)
		}
		message, _ := json.Marshal(map[string]string{"text": string(content)})
		return map[string]json.RawMessage{"contentMessage": message}, []string{string(content)}, nil
	case Message:
		fields, err := content.fields()
		if err != nil {
			return nil, nil, channel.Failed(status.TemplateConfig, "message: "+err.Error())
		}
		var body struct{ Text *string }
		if json.Unmarshal(fields["contentMessage"], &body) == nil && body.Text != nil {
			if problem := textProblem(*body.Text); problem != "" {
				return nil, nil, channel.Undeliverable(status.ContentRejected, problem)
			}
		}
		return fields, jsontext.PersonalStrings(string(content), fixedKeys...), nil
	default:
		return nil, nil, channel.Failed(status.TemplateConfig, fmt.Sprintf("the content is a %T", content))
	}
}
