package whatsapp

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/smsplus/smsplus-go/channel"
)

// Template is the content of a WhatsApp step: a template that Meta has approved, and the
// values of its placeholders. It does not repeat the fixed parts of the template: the
// body's text, a header or a button without a placeholder, the footer.
//
// The texts are channel.Texts, so a value may hold the application's variables:
// "#{{order}}". They are independent of the placeholders that a template has at Meta, {{1}}
// or {{name}}. A Template must not be changed once it is part of a route.
type Template struct {
	// Name is the template's name at Meta: lower-case letters, digits and underscores, at
	// most 512. Required.
	Name string
	// Language is the code of one of its translations, such as "en_US", "zh_TW" or
	// "id". Required.
	Language string
	// Header is the value of the header's placeholder, or its media. The zero Header is for
	// a template without a header, or with a fixed one.
	Header Header
	// Body are the values of the body's placeholders: in their order, or, for a template
	// whose placeholders have names, all by name (Template overview, "Parameter formats").
	Body []Parameter
	// Buttons are the values of the buttons that take one.
	Buttons []Button
}

// Parameter is the value of a placeholder in a text. There is no parameter for amounts and
// dates, because the Cloud API always shows a date's fallback text (Messages reference,
// "Date_Time Object"). Use a text instead.
type Parameter struct {
	// Name is the placeholder's name, if the template's placeholders have names.
	Name string
	// Text is the value. Meta refuses an empty one, and also line breaks, tabs and more
	// than four spaces in a row. Required.
	Text channel.Text
}

// Header is the value of a template's header. At most one field is set.
type Header struct {
	// Text is the value of the placeholder in a header of text.
	Text Parameter
	// Image, Video and Document are the media of a header of that kind.
	Image, Video, Document Media
}

// Media is an image, a video or a PDF. One of ID and Link is set.
type Media struct {
	// ID is Meta's ID of uploaded media. Meta keeps them for 30 days.
	ID channel.Text
	// Link is an http or https URL from which Meta may fetch the media.
	Link channel.Text
	// Filename is the name of a document in the chat. It is for documents only.
	Filename channel.Text
}

// Button is the value of one button. Index and one other field are set.
type Button struct {
	// Index is the button's position among all buttons of the template, 0 to 9.
	Index int
	// URL replaces the placeholder at the end of the button's URL. In an authentication
	// template it is the code once more (Copy code authentication templates, "Sending
	// authentication templates").
	URL channel.Text
	// QuickReply is the payload that Meta's webhook quotes when the person replies.
	QuickReply channel.Text
	// CopyCode is the code to copy, at most 15 characters.
	CopyCode channel.Text
}

var (
	templateName = regexp.MustCompile(`^[a-z0-9_]{1,512}$`)
	languageCode = regexp.MustCompile(`^[A-Za-z]{2,3}(_[A-Za-z0-9]+)*$`)
)

const lastButton = 9 // Messages reference, "Components object"

// namedText is a text of a template, and its field's name.
type namedText struct {
	name string
	text *channel.Text
}

// allTexts returns all texts of the template. They point into t.
func (t *Template) allTexts() []namedText {
	h := &t.Header
	all := []namedText{
		{"Header.Text.Text", &h.Text.Text},
		{"Header.Image.ID", &h.Image.ID},
		{"Header.Image.Link", &h.Image.Link},
		{"Header.Image.Filename", &h.Image.Filename},
		{"Header.Video.ID", &h.Video.ID},
		{"Header.Video.Link", &h.Video.Link},
		{"Header.Video.Filename", &h.Video.Filename},
		{"Header.Document.ID", &h.Document.ID},
		{"Header.Document.Link", &h.Document.Link},
		{"Header.Document.Filename", &h.Document.Filename},
	}
	for i := range t.Body {
		all = append(all, namedText{fmt.Sprintf("Body[%d].Text", i), &t.Body[i].Text})
	}
	for i := range t.Buttons {
		b := &t.Buttons[i]
		all = append(all,
			namedText{fmt.Sprintf("Buttons[%d].URL", i), &b.URL},
			namedText{fmt.Sprintf("Buttons[%d].QuickReply", i), &b.QuickReply},
			namedText{fmt.Sprintf("Buttons[%d].CopyCode", i), &b.CopyCode})
	}
	return all
}

// Vars returns the names of the variables in all texts of the template, each once.
func (t Template) Vars() []string {
	var names []string
	for _, p := range t.allTexts() {
		for _, name := range p.text.Vars() {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// Render returns a Template with every variable replaced by its value.
func (t Template) Render(vars map[string]string) (channel.Content, error) {
	t.Body, t.Buttons = slices.Clone(t.Body), slices.Clone(t.Buttons)
	for _, p := range t.allTexts() {
		rendered, err := p.text.Render(vars)
		if err != nil {
			return nil, err
		}
		*p.text = rendered.(channel.Text)
	}
	return t, nil
}

// Check returns every mistake in a template that is not yet rendered, joined.
func (t Template) Check() error {
	mistakes := t.formErrors()
	if blank := t.missingValue(); blank != "" {
		mistakes = append(mistakes, errors.New("whatsapp: Template."+blank+" is required"))
	}
	for _, p := range t.allTexts() {
		if err := p.text.Check(); err != nil {
			mistakes = append(mistakes, fmt.Errorf("whatsapp: Template.%s: %w", p.name, err))
		}
	}
	return errors.Join(mistakes...)
}

// formErrors returns the mistakes that no values can mend.
func (t Template) formErrors() []error {
	var all []error
	unless := func(ok bool, format string, args ...any) {
		if !ok {
			all = append(all, fmt.Errorf("whatsapp: Template."+format, args...))
		}
	}
	unless(templateName.MatchString(t.Name), "Name: want 1 to 512 lower-case letters, digits and underscores")
	unless(languageCode.MatchString(t.Language), "Language: want a code such as en_US")

	h := t.Header
	kinds := 0
	if h.Text != (Parameter{}) {
		kinds++
	}
	for _, m := range h.allMedia() {
		if m.Media != (Media{}) {
			kinds++
		}
		unless(m.ID == "" || m.Link == "", "Header: the %s has both an ID and a Link", m.kind)
		unless(m.Filename == "" || m.kind == "document", "Header: a Filename is for documents")
	}
	unless(kinds <= 1, "Header: more than one kind is set")

	named := func(p Parameter) bool { return p.Name != "" }
	unless(!slices.ContainsFunc(t.Body, named) || !slices.ContainsFunc(t.Body, func(p Parameter) bool { return !named(p) }),
		"Body: some parameters have a Name and some have none")

	var taken [lastButton + 1]bool
	for i, b := range t.Buttons {
		if b.Index < 0 || b.Index > lastButton {
			unless(false, "Buttons[%d].Index: want 0 to %d", i, lastButton)
			continue
		}
		unless(!taken[b.Index], "Buttons[%d].Index: %d is taken", i, b.Index)
		taken[b.Index] = true
		unless(b.countValues() <= 1, "Buttons[%d]: more than one of URL, QuickReply and CopyCode is set", i)
	}
	return all
}

// missingValue returns the name of a field that needs a value and has none, or "". White
// space is no value: Meta refuses it.
func (t Template) missingValue() string {
	if h := t.Header.Text; (h.Name != "" || h.Text != "") && isBlank(h.Text) {
		return "Header.Text.Text"
	}
	for _, m := range t.Header.allMedia() {
		if m.Media != (Media{}) && isBlank(m.ID) && isBlank(m.Link) {
			return "Header: an ID or a Link of the " + m.kind
		}
	}
	for i, p := range t.Body {
		if isBlank(p.Text) {
			return fmt.Sprintf("Body[%d].Text", i)
		}
	}
	for i, b := range t.Buttons {
		if b.countValues() == 0 {
			return fmt.Sprintf("Buttons[%d]: one of URL, QuickReply and CopyCode", i)
		}
	}
	return ""
}

// countValues returns how many of the values are set.
func (b Button) countValues() int {
	n := 0
	for _, value := range []channel.Text{b.URL, b.QuickReply, b.CopyCode} {
		if !isBlank(value) {
			n++
		}
	}
	return n
}

func isBlank(text channel.Text) bool { return strings.TrimSpace(string(text)) == "" }

// kindOfMedia is a header's media, with the wire's name of its kind.
type kindOfMedia struct {
	kind string
	Media
}

func (h Header) allMedia() []kindOfMedia {
	return []kindOfMedia{{"image", h.Image}, {"video", h.Video}, {"document", h.Document}}
}
