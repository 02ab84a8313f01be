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

// columns are a CSV's. The number stands in two, because in one every cell would
// begin with a plus sign. What an attempt says is that of the one on the
// message's channel: what the status stands on, and what a provider's bill names.
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

// currentAttempt returns the attempt on the message's channel, or a zero one.
func currentAttempt(m *smsplus.Message) smsplus.Attempt {
	for _, a := range slices.Backward(m.Attempts) {
		if a.Channel == m.Channel {
			return a
		}
	}
	return smsplus.Attempt{}
}

// WriteCSV writes the records as comma-separated values, a header and a row each,
// as they come. Reason, detail and provider ID are those of the attempt on the
// record's channel. WriteCSV returns the first error of seq or w; if that is an
// error of seq before any record, nothing was written, and a web page may still
// answer with it. At most one Export is used.
//
// The file is safe to open in a spreadsheet that separates cells by commas: a cell
// that it could take for a formula begins with an apostrophe. So does one that
// would be such a cell but for the apostrophes it begins with already, so that
// taking one away always gives the value back.
func WriteCSV(w io.Writer, seq iter.Seq2[smsplus.Message, error], o ...Export) error {
	e := optionsOf(o)
	buf := bufio.NewWriter(w)
	out := csv.NewWriter(buf) // which flushes buf
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
	var m smsplus.Message // one for all rows, as it lands on the heap
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

// looksLikeFormula looks past spaces, which some spreadsheets drop, and past apostrophes,
// without which a cell that has one of its own could not be told from a guarded one.
func looksLikeFormula(cell string) bool {
	rest := strings.TrimLeftFunc(cell, func(r rune) bool {
		return r == '\'' || r == '\uFEFF' || unicode.IsSpace(r) && !strings.ContainsRune(formulaStarts, r)
	})
	first, _ := utf8.DecodeRuneInString(rest)
	return rest != "" && strings.ContainsRune(formulaStarts, first)
}

const formulaStarts = "=+-@\t\r\n＝＋－＠"
