package query

import (
	"bufio"
	"encoding/csv"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/smsplus/smsplus-go/smsplus"
)

// columns are the columns of a CSV. The phone number has two, because in one column every
// cell would begin with a plus sign, as a formula does. The reason, the detail and the
// provider ID are those of the attempt on the message's channel. That attempt explains the
// message's status, and a provider's bill has its ID.
var columns = [...]struct {
	name string
	cell func(e Export, m *smsplus.Message) string
}{
	{"message_id", func(_ Export, m *smsplus.Message) string { return m.ID.String() }},
	{"key", func(_ Export, m *smsplus.Message) string { return m.Key }},
	{"template", func(_ Export, m *smsplus.Message) string { return m.Template }},
	{"scenario", func(_ Export, m *smsplus.Message) string { return m.Scenario }},
	{"country_code", func(_ Export, m *smsplus.Message) string { return m.To.Phone.CountryCode() }},
	{"national_number", func(e Export, m *smsplus.Message) string { return e.formatNational(m.To.Phone) }},
	{"line_user_id", func(e Export, m *smsplus.Message) string { return e.formatLINEUserID(m.To.LINEUserID) }},
	{"status", func(_ Export, m *smsplus.Message) string { return m.Status.String() }},
	{"channel", func(_ Export, m *smsplus.Message) string { return string(m.Channel) }},
	{"triggered_at", func(e Export, m *smsplus.Message) string { return e.formatTime(m.TriggeredAt, time.RFC3339) }},
	{"delivered_at", func(e Export, m *smsplus.Message) string { return e.formatTime(m.DeliveredAt, time.RFC3339) }},
	{"read_at", func(e Export, m *smsplus.Message) string { return e.formatTime(m.ReadAt, time.RFC3339) }},
	{"attempts", func(_ Export, m *smsplus.Message) string { return strconv.Itoa(len(m.Attempts)) }},
	{"reason", func(_ Export, m *smsplus.Message) string { return string(currentAttempt(m).Reason) }},
	{"detail", func(_ Export, m *smsplus.Message) string { return currentAttempt(m).Detail }},
	{"provider_id", func(_ Export, m *smsplus.Message) string { return currentAttempt(m).ProviderID }},
}

// currentAttempt returns the attempt on the message's channel, or a zero Attempt.
func currentAttempt(m *smsplus.Message) smsplus.Attempt {
	for _, a := range slices.Backward(m.Attempts) {
		if a.Channel == m.Channel {
			return a
		}
	}
	return smsplus.Attempt{}
}

// WriteCSV writes the records as comma-separated values while it reads seq: a header, then
// a row for each record. Reason, detail and provider ID are those of the attempt on the
// record's channel. WriteCSV returns the first error of seq or w. If seq fails before its
// first record, nothing is written, so a web page can still answer with the error. Only
// the first Export is used.
//
// The file is safe to open in a spreadsheet that separates cells by commas: WriteCSV puts
// an apostrophe before each cell that a spreadsheet could take for a formula. It also puts
// one before a cell that would be such a cell without the apostrophes that it begins with.
// So removing one apostrophe always restores the value.
func WriteCSV(w io.Writer, seq iter.Seq2[smsplus.Message, error], o ...Export) error {
	e := optionsOf(o)
	buf := bufio.NewWriter(w)
	out := csv.NewWriter(buf) // out.Flush flushes buf too
	row := make([]string, len(columns))
	header := sync.OnceFunc(func() {
		if e.BOM {
			_, _ = buf.WriteString("\uFEFF") // buf keeps its first error
		}
		for i := range columns {
			row[i] = columns[i].name
		}
		_ = out.Write(row)
	})
	var m smsplus.Message // one for all rows, because it escapes to the heap
	for next, err := range seq {
		if err != nil {
			out.Flush()
			return err
		}
		header()
		m = next
		for i := range columns {
			row[i] = escapeFormula(columns[i].cell(e, &m))
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	header()
	out.Flush()
	return out.Error()
}

// escapeFormula puts an apostrophe before a cell that a spreadsheet could take for a
// formula (OWASP, "CSV Injection").
func escapeFormula(cell string) string {
	if looksLikeFormula(cell) {
		return "'" + cell
	}
	return cell
}

// looksLikeFormula reports whether the cell needs an apostrophe. It ignores leading spaces,
// because some spreadsheets drop them. It ignores leading apostrophes, so that an escaped
// cell differs from a cell that begins with an apostrophe of its own.
func looksLikeFormula(cell string) bool {
	rest := strings.TrimLeftFunc(cell, func(r rune) bool {
		return r == '\'' || r == '\uFEFF' || unicode.IsSpace(r) && !strings.ContainsRune(formulaStarts, r)
	})
	first, _ := utf8.DecodeRuneInString(rest)
	return rest != "" && strings.ContainsRune(formulaStarts, first)
}

// formulaStarts are the characters that a formula can begin with.
const formulaStarts = "=+-@\t\r\n＝＋－＠"
