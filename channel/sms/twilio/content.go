package twilio

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/channel/sms"
)

// maxCharacters is Twilio's limit (error 21617). The channel counts Unicode characters. If
// Twilio counts more for some of them, it refuses the message itself.
const maxCharacters = 1600

// CheckContent returns an error unless content is a [channel.Text] that is UTF-8 and not
// blank, with at most 1,600 characters and Config.MaxSegments segments. Variables count as
// empty: CheckContent refuses texts that can never be sent, and Send the other ones.
func (c *Channel) CheckContent(content channel.Content) error {
	text, ok := content.(channel.Text)
	if !ok {
		return fmt.Errorf("twilio: the content is a %T, not a channel.Text", content)
	}
	vars := text.Vars()
	values := make(map[string]string, len(vars))
	for _, v := range vars {
		values[v] = ""
	}
	least, err := text.Render(values)
	if err != nil {
		return err
	}
	err = c.checkText(least.(channel.Text))
	if errors.Is(err, errBlank) && len(vars) > 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("twilio: %w", err)
	}
	return nil
}

// Size returns how many segments Twilio makes of a text, as package sms counts them. Twilio
// counts each segment against the sender's messages a second.
func (c *Channel) Size(content channel.Content) int {
	text, _ := content.(channel.Text)
	return sms.Count(string(text)).Segments
}

var errBlank = errors.New("the text is blank")

// checkText returns an error if the text cannot be sent. The error holds nothing of the
// text.
func (c *Channel) checkText(text channel.Text) error {
	switch s := string(text); {
	case !utf8.ValidString(s):
		return errors.New("the text is not UTF-8")
	case strings.TrimSpace(s) == "":
		return errBlank
	case utf8.RuneCountInString(s) > maxCharacters:
		return fmt.Errorf("the text has more than %d characters", maxCharacters)
	case c.setup().MaxSegments > 0 && sms.Count(s).Segments > c.setup().MaxSegments:
		return fmt.Errorf("the text has more than %d segments", c.setup().MaxSegments)
	default:
		return nil
	}
}
