package mitake

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms"
)

// CheckContent takes any [channel.Text] that fits into Config.MaxSegments when its
// variables are empty. What their values add is looked at when it is sent.
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

// isBlank reports whether there is nothing to read in a text: the specification's
// code u.
func isBlank(text string) bool { return strings.TrimSpace(text) == "" }

// normalizeLines returns a text as it is counted and sent, but for what stands between lines.
func normalizeLines(text channel.Text) string {
	s := strings.ToValidUTF8(string(text), "\uFFFD")
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s)
}

// lineBreak stands between lines on the wire (the specification, SmSend, smbody).
const lineBreak = "\x06"

func (c *Channel) lengthProblem(text string) string {
	if n := segments(text); n > c.setup().MaxSegments {
		return fmt.Sprintf("the text takes %d segments, and Config.MaxSegments is %d", n, c.setup().MaxSegments)
	}
	return ""
}

// segments returns how many segments Mitake may make of a text. Whether it knows the
// letters of the GSM alphabet outside of ASCII is not specified, and a text that it
// cuts reaches nobody whole: one that has some counts as UCS-2.
func segments(text string) int {
	return sms.Count(strings.Map(func(r rune) rune {
		if r >= utf8.RuneSelf && r <= 0xFFFF {
			return '字' // a code unit, as r
		}
		return r
	}, text)).Segments
}
