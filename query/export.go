package query

import (
	"strings"
	"time"

	"github.com/smsplus/smsplus-go/phone"
)

// Export is how records are written.
type Export struct {
	// BOM begins a CSV with the UTF-8 byte order mark, without which Excel takes
	// the text for another encoding. NDJSON never has one (RFC 8259, section 8.1).
	BOM bool
	// Location is where times are shown. Defaults to UTC.
	Location *time.Location
	// Reveal writes what is otherwise masked or left out: phone numbers in the
	// open, LINE user IDs, and in NDJSON the variables, which hold what the
	// message said, one-time passwords included.
	Reveal bool
}

// optionsOf returns what a variadic parameter was given, with its defaults.
func optionsOf(o []Export) Export {
	var e Export
	if len(o) > 0 {
		e = o[0]
	}
	if e.Location == nil {
		e.Location = time.UTC
	}
	return e
}

// formatTime formats t, or returns "" for what has not happened.
func (e Export) formatTime(t time.Time, layout string) string {
	if t.IsZero() {
		return ""
	}
	return t.In(e.Location).Format(layout)
}

func (e Export) formatPhone(n phone.Number) string {
	if e.Reveal {
		return n.E164()
	}
	return n.String()
}

// formatNational returns the number without its country code.
func (e Export) formatNational(n phone.Number) string {
	return strings.TrimPrefix(e.formatPhone(n), "+"+n.CountryCode())
}

func (e Export) formatLINEUserID(id string) string {
	if e.Reveal {
		return id
	}
	return ""
}
