package query

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/smsplus/smsplus-go/internal/csvcell"
	"github.com/smsplus/smsplus-go/smsplus"
)

// columns are the columns of a CSV. The phone number has two, because in one column every
// cell would begin with a plus sign, as a formula does. The reason, the detail and the
// provider ID are those of the attempt on the message's channel. That attempt explains the
// message's status, and a provider's bill has its ID.
var columns = [...]struct {
	name string
	cell func(e Export, m *smsplus.Message) string
	free bool // the cell is text that an application, a provider or a person chose
}{
	{"message_id", func(_ Export, m *smsplus.Message) string { return m.ID.String() }, false},
	{"key", func(_ Export, m *smsplus.Message) string { return m.Key }, true},
	{"template", func(_ Export, m *smsplus.Message) string { return m.Template }, true},
	{"scenario", func(_ Export, m *smsplus.Message) string { return m.Scenario }, true},
	{"country_code", func(_ Export, m *smsplus.Message) string { return m.To.Phone.CountryCode() }, false},
	{"national_number", func(e Export, m *smsplus.Message) string { return e.formatNational(m.To.Phone) }, true},
	{"recipient_ids", func(e Export, m *smsplus.Message) string { return formatIDs(e.revealIDs(m.To.IDs)) }, true},
	{"status", func(_ Export, m *smsplus.Message) string { return m.Status.String() }, false},
	{"channel", func(_ Export, m *smsplus.Message) string { return string(m.Channel) }, true},
	{"triggered_at", func(e Export, m *smsplus.Message) string { return e.formatTime(m.TriggeredAt, time.RFC3339) }, false},
	{"delivered_at", func(e Export, m *smsplus.Message) string { return e.formatTime(m.DeliveredAt, time.RFC3339) }, false},
	{"read_at", func(e Export, m *smsplus.Message) string { return e.formatTime(m.ReadAt, time.RFC3339) }, false},
	{"attempts", func(_ Export, m *smsplus.Message) string { return strconv.Itoa(len(m.Attempts)) }, false},
	{"reason", func(_ Export, m *smsplus.Message) string { return string(currentAttempt(m).Reason) }, true},
	{"detail", func(_ Export, m *smsplus.Message) string { return currentAttempt(m).Detail }, true},
	{"provider_id", func(_ Export, m *smsplus.Message) string { return currentAttempt(m).ProviderID }, true},
	{"reference", func(_ Export, m *smsplus.Message) string { return m.Reference }, true},
	{"confirmed_at", func(e Export, m *smsplus.Message) string { return e.formatTime(m.ConfirmedAt, time.RFC3339) }, false},
	{"recalls", func(_ Export, m *smsplus.Message) string { return formatRecalls(m) }, true},
}

// formatRecalls lists the attempts that were to be taken back, with the providers' answers:
// "whatsapp=recalled; sms=too_late".
func formatRecalls(m *smsplus.Message) string {
	var all []string
	for i := range m.Attempts {
		if a := &m.Attempts[i]; a.Recall != 0 {
			all = append(all, string(a.Channel)+"="+a.Recall.String())
		}
	}
	return strings.Join(all, "; ")
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
// record's channel. If seq fails before its first record, nothing is written, so a web
// page can still answer with the error. Only the first Export is used.
//
// WriteCSV leaves out a record that cannot be read, and continues. At the end it returns an
// error that wraps [smsplus.ErrUnreadable] and says how many it left out. It returns at
// once any other error of seq, and those of w.
//
// The file is safe to open in a spreadsheet that separates cells by Export.Comma. WriteCSV
// puts an apostrophe before each cell that a spreadsheet could take for a formula. It puts
// one before each text that it could take for a number or a date, such as 00123, 1E5 and
// 2026-11-28. It also puts one before a cell that would be such a cell without the
// apostrophes that it begins with. So removing one apostrophe always restores the value.
func WriteCSV(w io.Writer, seq iter.Seq2[smsplus.Message, error], o ...Export) error {
	e := optionsOf(o)
	buf := bufio.NewWriter(w)
	out := csv.NewWriter(buf) // out.Flush flushes buf too
	out.Comma = e.Comma
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
	var left leftOut
	for next, err := range seq {
		if left.count(err) {
			continue
		}
		if err != nil {
			out.Flush()
			return err
		}
		header()
		m = next
		for i := range columns {
			row[i] = csvcell.Escape(columns[i].cell(e, &m), columns[i].free)
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	header()
	out.Flush()
	return cmp.Or(out.Error(), left.err())
}
