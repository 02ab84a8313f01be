package mitake

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms"
)

// CheckContent returns an error for content that is not a [channel.Text], and for a text
// that does not fit into Config.MaxSegments even if its variables are empty. Send checks
// the text with its values.
func (c *Channel) CheckContent(content channel.Content) error {
	text, ok := content.(channel.Text)
	if !ok {
		return errors.New("mitake: the content is no channel.Text")
	}
	if isBlank(string(text)) {
		return errors.New("mitake: the text is empty")
	}
	empty := make(map[string]string)
	for _, name := range text.Vars() {
		empty[name] = ""
	}
	rendered, err := text.Render(empty)
	if err != nil {
		return err
	}
	shortest, _ := rendered.(channel.Text)
	if problem := c.lengthProblem(normalizeLines(shortest)); problem != "" {
		return errors.New("mitake: without its variables, " + problem)
	}
	return nil
}

// Size returns how many segments Mitake may make of a text.
func (c *Channel) Size(content channel.Content) int {
	text, _ := content.(channel.Text)
	return segments(normalizeLines(text))
}

// isBlank reports whether a text has nothing to read, which the specification refuses with
// the code u.
func isBlank(text string) bool { return strings.TrimSpace(text) == "" }

// normalizeLines returns a text as it is counted and sent, except that lines end in \n.
func normalizeLines(text channel.Text) string {
	s := strings.ToValidUTF8(string(text), "\uFFFD")
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s)
}

// lineBreak ends a line on the wire (the specification, SmSend, smbody).
const lineBreak = "\x06"

// lengthProblem returns why a text is too long, or "".
func (c *Channel) lengthProblem(text string) string {
	if n := segments(text); n > c.setup().MaxSegments {
		return fmt.Sprintf("the text takes %d segments, and Config.MaxSegments is %d", n, c.setup().MaxSegments)
	}
	return ""
}

// segments returns how many segments Mitake may make of a text. The specification does not
// say whether Mitake knows the letters of the GSM alphabet outside ASCII. A text with such
// letters counts as UCS-2, because a text that Mitake cuts does not arrive whole.
func segments(text string) int {
	return sms.Count(strings.Map(func(r rune) rune {
		if r >= utf8.RuneSelf && r <= 0xFFFF {
			return '字' // one code unit, as r
		}
		return r
	}, text)).Segments
}
