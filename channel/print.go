package channel

import (
	"fmt"
	"log/slog"
	"unicode/utf8"

	"github.com/smsplus/smsplus-go/internal/mask"
	"github.com/smsplus/smsplus-go/status"
)

// String returns the length of the text without the text, "channel.Text(22 characters)". A
// rendered text holds a person's data. Convert it to a string to get the text.
func (t Text) String() string {
	return fmt.Sprintf("channel.Text(%d characters)", utf8.RuneCountInString(string(t)))
}

// Format writes the text's String, whatever the verb.
func (t Text) Format(f fmt.State, _ rune) { mask.Write(f, t.String()) }

// MarshalText returns the text's String, for logs.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// LogValue returns the text's String.
func (t Text) LogValue() slog.Value { return slog.StringValue(t.String()) }

// GobEncode returns an error. Encode the text as a string.
func (Text) GobEncode() ([]byte, error) { return nil, mask.ErrPersonal }

// String returns the recipient masked: the masked number, and how many IDs there are.
func (r Recipient) String() string {
	ids := 0
	for _, id := range r.IDs {
		if id != "" {
			ids++
		}
	}
	switch {
	case ids == 0:
		return fmt.Sprintf("channel.Recipient(%s)", r.Phone)
	case r.Phone.IsZero():
		return fmt.Sprintf("channel.Recipient(IDs: %d)", ids)
	default:
		return fmt.Sprintf("channel.Recipient(%s, IDs: %d)", r.Phone, ids)
	}
}

// Format writes the recipient's String, whatever the verb.
func (r Recipient) Format(f fmt.State, _ rune) { mask.Write(f, r.String()) }

// MarshalText returns the recipient's String, for logs.
func (r Recipient) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// LogValue returns the recipient's String.
func (r Recipient) LogValue() slog.Value { return slog.StringValue(r.String()) }

// GobEncode returns an error. Encode the recipient's fields.
func (Recipient) GobEncode() ([]byte, error) { return nil, mask.ErrPersonal }

// String returns the attempt's ID, the template, the masked recipient and the content's type.
func (e Envelope) String() string {
	return fmt.Sprintf("channel.Envelope(try %d of %v, %s for %v: a %T)", e.Try, e.AttemptID, e.Template, e.To, e.Content)
}

// Format writes the envelope's String, whatever the verb.
func (e Envelope) Format(f fmt.State, _ rune) { mask.Write(f, e.String()) }

// MarshalText returns the envelope's String, for logs.
func (e Envelope) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// LogValue returns the envelope's String.
func (e Envelope) LogValue() slog.Value { return slog.StringValue(e.String()) }

// GobEncode returns an error. Encode the envelope's fields.
func (Envelope) GobEncode() ([]byte, error) { return nil, mask.ErrPersonal }

// String returns the result without Detail, which may repeat what was sent.
func (r Result) String() string {
	return fmt.Sprintf("channel.Result(%s, %s%s)", r.ProviderID, r.Status, inParentheses(r.Reason))
}

// Format writes the result's String, whatever the verb.
func (r Result) Format(f fmt.State, _ rune) { mask.Write(f, r.String()) }

// MarshalText returns the result's String, for logs.
func (r Result) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// LogValue returns the result's String.
func (r Result) LogValue() slog.Value { return slog.StringValue(r.String()) }

// GobEncode returns an error. Encode the result's fields.
func (Result) GobEncode() ([]byte, error) { return nil, mask.ErrPersonal }

// String returns the receipt without Detail, which may repeat what was sent, and without the
// recipient.
func (r Receipt) String() string {
	return fmt.Sprintf("channel.Receipt(%s %s, %s%s)", r.Channel, r.ProviderID, r.Status, inParentheses(r.Reason))
}

// Format writes the receipt's String, whatever the verb.
func (r Receipt) Format(f fmt.State, _ rune) { mask.Write(f, r.String()) }

// MarshalText returns the receipt's String, for logs.
func (r Receipt) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// LogValue returns the receipt's String.
func (r Receipt) LogValue() slog.Value { return slog.StringValue(r.String()) }

// GobEncode returns an error. Encode the receipt's fields.
func (Receipt) GobEncode() ([]byte, error) { return nil, mask.ErrPersonal }

// inParentheses returns a reason for the end of a text.
func inParentheses(r status.Reason) string {
	if r == "" {
		return ""
	}
	return " (" + string(r) + ")"
}
