package query

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
)

// Export configures [WriteCSV] and [WriteNDJSON].
type Export struct {
	// BOM begins a CSV with the UTF-8 byte order mark. Without it Excel reads the text in
	// another encoding. NDJSON never has one (RFC 8259, section 8.1).
	BOM bool
	// Comma separates the cells of a CSV. Spreadsheets of countries with a decimal comma
	// expect ';'. Defaults to ','.
	Comma rune
	// Location is the time zone of the times. Defaults to UTC.
	Location *time.Location
	// Reveal writes phone numbers unmasked and the recipients' IDs, which are otherwise left
	// out. In NDJSON it also writes the metadata and the variables. The latter hold the content
	// of the message, one-time passwords included.
	Reveal bool
}

// optionsOf returns the first Export of a variadic parameter with its defaults applied.
func optionsOf(o []Export) Export {
	var e Export
	if len(o) > 0 {
		e = o[0]
	}
	if e.Comma == 0 {
		e.Comma = ','
	}
	if e.Location == nil {
		e.Location = time.UTC
	}
	return e
}

// leftOut is the number of records that an export leaves out because they cannot be read.
type leftOut int

// count counts a record that cannot be read, and reports whether the error is of one.
func (l *leftOut) count(err error) bool {
	if !errors.Is(err, smsplus.ErrUnreadable) {
		return false
	}
	*l++
	return true
}

// err returns the error of an export that left out records, or nil.
func (l leftOut) err() error {
	if l == 0 {
		return nil
	}
	return fmt.Errorf("query: %d record(s) left out: %w", l, smsplus.ErrUnreadable)
}

// formatTime formats t, or returns "" for the zero time.
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

// formatNational returns the formatted number without its country code.
func (e Export) formatNational(n phone.Number) string {
	return strings.TrimPrefix(e.formatPhone(n), "+"+n.CountryCode())
}

// revealIDs returns the recipient's IDs, or none if they are not to be written.
func (e Export) revealIDs(ids map[channel.Name]string) map[channel.Name]string {
	if e.Reveal {
		return ids
	}
	return nil
}

// formatIDs formats a recipient's IDs in the order of their channels: "chat=17; line_push=U4".
func formatIDs(ids map[channel.Name]string) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(ids)) {
		all = append(all, string(name)+"="+ids[name])
	}
	return strings.Join(all, "; ")
}
