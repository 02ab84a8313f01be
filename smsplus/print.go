package smsplus

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/smsplus/smsplus-go/internal/mask"
	"github.com/smsplus/smsplus-go/status"
)

// String returns the trigger without its variables, metadata and key.
func (tr Trigger) String() string {
	return fmt.Sprintf("smsplus.Trigger(%s for %v)", tr.Template, tr.To)
}

// Format writes the trigger's String, whatever the verb.
func (tr Trigger) Format(f fmt.State, _ rune) { mask.Write(f, tr.String()) }

// MarshalText returns the trigger's String, for logs.
func (tr Trigger) MarshalText() ([]byte, error) { return []byte(tr.String()), nil }

// LogValue returns the template, and the recipient masked.
func (tr Trigger) LogValue() slog.Value {
	return slog.GroupValue(slog.String("template", tr.Template), slog.String("to", tr.To.String()))
}

// GobEncode returns an error. Encode the trigger's fields.
func (Trigger) GobEncode() ([]byte, error) { return nil, mask.ErrPersonal }

// String returns the filter's fields that are set. Of what may name a person it says only
// that it is set.
func (f Filter) String() string {
	var set []string
	add := func(isSet bool, format string, args ...any) {
		if isSet {
			set = append(set, fmt.Sprintf(format, args...))
		}
	}
	add(!f.From.IsZero(), "from %s", f.From.Format(time.RFC3339Nano))
	add(!f.To.IsZero(), "to %s", f.To.Format(time.RFC3339Nano))
	add(f.Template != "", "template %s", f.Template)
	add(f.Scenario != "", "scenario %s", f.Scenario)
	add(f.Channel != "", "channel %s", f.Channel)
	add(f.Reason != "", "reason %s", f.Reason)
	add(f.ProviderID != "", "a provider's ID")
	add(!f.Phone.IsZero(), "phone %v", f.Phone)
	add(f.CountryCode != "", "country %s", f.CountryCode)
	add(f.RecipientID != "", "an ID of the recipient")
	add(f.Key != "", "a key")
	add(f.Reference != "", "a reference")
	add(f.Group != status.All, "group %v", f.Group)
	add(f.Limit != 0, "limit %d", f.Limit)
	add(f.After != "", "after %s", f.After)
	return "smsplus.Filter(" + strings.Join(set, ", ") + ")"
}

// Format writes the filter's String, whatever the verb.
func (f Filter) Format(s fmt.State, _ rune) { mask.Write(s, f.String()) }

// MarshalText returns the filter's String, for logs.
func (f Filter) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// LogValue returns the filter's String.
func (f Filter) LogValue() slog.Value { return slog.StringValue(f.String()) }

// GobEncode returns an error. Encode the filter's fields.
func (Filter) GobEncode() ([]byte, error) { return nil, mask.ErrPersonal }

// String returns the message's ID, template, status and channel, and the recipient masked.
// Package query shows all of it.
func (m Message) String() string {
	return fmt.Sprintf("smsplus.Message(%s of %s for %v: %v on %s)", m.ID, m.Template, m.To, m.Status, m.Channel)
}

// Format writes the message's String, whatever the verb.
func (m Message) Format(f fmt.State, _ rune) { mask.Write(f, m.String()) }

// MarshalText returns the message's String, for logs.
func (m Message) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// LogValue returns the message's ID, template, status and channel, and the recipient masked.
func (m Message) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("id", m.ID.String()),
		slog.String("template", m.Template),
		slog.String("to", m.To.String()),
		slog.String("status", m.Status.String()),
		slog.String("channel", string(m.Channel)),
	)
}

// GobEncode returns an error. Package query exports records.
func (Message) GobEncode() ([]byte, error) { return nil, mask.ErrPersonal }

// String returns the attempt's ID, channel, status and reason, without Detail.
func (a Attempt) String() string {
	words := fmt.Sprintf("smsplus.Attempt(%s on %s: %v", a.ID, a.Channel, a.Status)
	if a.Reason != "" {
		words += ", " + string(a.Reason)
	}
	return words + ")"
}

// Format writes the attempt's String, whatever the verb.
func (a Attempt) Format(f fmt.State, _ rune) { mask.Write(f, a.String()) }

// MarshalText returns the attempt's String, for logs.
func (a Attempt) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// LogValue returns the attempt's ID, channel, status, reason and provider ID.
func (a Attempt) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("id", a.ID.String()),
		slog.String("channel", string(a.Channel)),
		slog.String("status", a.Status.String()),
		slog.String("reason", string(a.Reason)),
		slog.String("provider_id", a.ProviderID),
	)
}

// GobEncode returns an error. Package query exports records.
func (Attempt) GobEncode() ([]byte, error) { return nil, mask.ErrPersonal }

// Format writes how many messages the page has, whatever the verb.
func (p Page) Format(f fmt.State, _ rune) {
	mask.Writef(f, "smsplus.Page(%d messages, %d unreadable)", len(p.Messages), len(p.Unreadable))
}

// Format writes how many messages were claimed, whatever the verb.
func (c Claimed) Format(f fmt.State, _ rune) {
	mask.Writef(f, "smsplus.Claimed(%d messages, %d unreadable)", len(c.Messages), len(c.Unreadable))
}

// Format writes no part of the dispatcher, whatever the verb: it holds messages, and other
// goroutines change it.
func (*Dispatcher) Format(f fmt.State, _ rune) { mask.Write(f, "smsplus.Dispatcher{…}") }

// String returns the outcome's kind, and its message's String.
func (o Outcome) String() string {
	return fmt.Sprintf("smsplus.Outcome(%v, try %d: %v)", o.Kind, o.Try, o.Message)
}

// Format writes the outcome's String, whatever the verb.
func (o Outcome) Format(f fmt.State, _ rune) { mask.Write(f, o.String()) }

// MarshalText returns the outcome's String, for logs.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// LogValue returns the outcome's ID and kind, and its message's LogValue.
func (o Outcome) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("id", o.ID.String()), slog.String("kind", o.Kind.String()), slog.Any("message", o.Message),
	)
}

// GobEncode returns an error. Encode the outcome's fields.
func (Outcome) GobEncode() ([]byte, error) { return nil, mask.ErrPersonal }
