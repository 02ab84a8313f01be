package line

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/jsontext"
	"github.com/smsplus/smsplus-go/internal/mask"
)

// Templated is content of LINE notification messages (template): the request without its
// "to", as a JSON object, with variables inside its strings as in [Messages].
//
//	line.Templated(`{
//		"templateKey": "shipment_completed_ja",
//		"body": {"emphasizedItem": {"itemKey": "date_002_ja", "content": "{{date}}"}}
//	}`)
//
// No variable may stand in a templateKey, an itemKey or a buttonKey. The length of a
// content is not checked, because LINE's reference and its own examples differ.
type Templated string

// Format prints the length of the content and not the content, which holds a person's data
// once it is rendered. Convert it to a string to get the content.
func (t Templated) Format(w fmt.State, _ rune) { mask.Write(w, t.masked()) }

// MarshalText returns what Format prints, for logs.
func (t Templated) MarshalText() ([]byte, error) { return []byte(t.masked()), nil }

// GobEncode returns an error. Encode the content as a string.
func (Templated) GobEncode() ([]byte, error) { return nil, mask.ErrPersonal }

func (t Templated) masked() string { return fmt.Sprintf("line.Templated(%d bytes)", len(t)) }

// Vars returns the names of the variables in order of appearance. It may leave out some of
// a content that [Templated.Check] refuses.
func (t Templated) Vars() []string { return jsontext.Vars(string(t)) }

// Render replaces the variables by their values. It returns a Templated.
func (t Templated) Render(vars map[string]string) (channel.Content, error) {
	text, err := renderJSON(string(t), vars)
	return Templated(text), err
}

// Check returns an error for text that is not a JSON object with a templateKey, or that has
// a "to". It also refuses a variable that is malformed or stands in a forbidden place.
func (t Templated) Check() error {
	_, err := t.object()
	if err == nil {
		err = jsontext.CheckVars(string(t), selectorKeys...)
	}
	if err != nil {
		return fmt.Errorf("line: templated: %w", err)
	}
	return nil
}

// object parses the JSON object.
func (t Templated) object() (map[string]json.RawMessage, error) {
	if err := jsontext.Validate(string(t)); err != nil {
		return nil, err
	}
	var object message
	if json.Unmarshal([]byte(t), &object) != nil {
		return nil, errors.New("no object")
	}
	if object.string("templateKey") == "" {
		return nil, errors.New("the object has no templateKey")
	}
	if _, ok := object["to"]; ok {
		return nil, errors.New(`the object has a "to", which is the recipient's`)
	}
	return object, nil
}
