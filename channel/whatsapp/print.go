package whatsapp

import (
	"fmt"
	"strings"

	"github.com/smsplus/smsplus-go/internal/mask"
)

// The texts of a template print by their length alone. These methods keep that for verbs of
// fmt that do not fit a field: fmt then prints the value without calling methods.

// Format writes the template's name and language, whatever the verb.
func (t Template) Format(f fmt.State, _ rune) {
	mask.Writef(f, "whatsapp.Template(%s %s, %d in the body, %d buttons)", t.Name, t.Language, len(t.Body), len(t.Buttons))
}

// Format writes the parameter's name and the length of its text, whatever the verb.
func (p Parameter) Format(f fmt.State, _ rune) {
	mask.Write(f, strings.TrimSpace(fmt.Sprintf("whatsapp.Parameter(%v %s", p.Text, p.Name))+")")
}

// Format writes which field of the header is set, whatever the verb.
func (h Header) Format(f fmt.State, _ rune) {
	var set []string
	for _, field := range []struct {
		name string
		set  bool
	}{{"text", h.Text != Parameter{}}, {"image", h.Image != Media{}}, {"video", h.Video != Media{}}, {"document", h.Document != Media{}}} {
		if field.set {
			set = append(set, field.name)
		}
	}
	mask.Write(f, "whatsapp.Header("+strings.Join(set, ", ")+")")
}

// Format writes no part of the media, whatever the verb.
func (Media) Format(f fmt.State, _ rune) { mask.Write(f, "whatsapp.Media{…}") }

// Format writes the button's index, whatever the verb.
func (b Button) Format(f fmt.State, _ rune) {
	mask.Writef(f, "whatsapp.Button(%d)", b.Index)
}
