package query_test

import (
	"bytes"
	"encoding/csv"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/query"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

const header = "message_id,key,template,scenario,country_code,national_number,recipient_ids,status,channel," +
	"triggered_at,delivered_at,read_at,attempts,reason,detail,provider_id,reference,confirmed_at,recalls\n"

func TestWriteCSV_WritesARowPerRecord(t *testing.T) {
	t.Parallel()
	preparing := fullRecord(t)
	preparing.Attempts = preparing.Attempts[:1]
	preparing.Status, preparing.Channel = status.Preparing, channel.LINEPush
	preparing.DeliveredAt, preparing.ReadAt = time.Time{}, time.Time{}
	bare := smsplus.Message{Template: "t", Channel: channel.SMS, TriggeredAt: now}

	tests := []struct {
		rule string
		list []smsplus.Message
		o    []query.Export
		want string
	}{
		{"an empty list is only a header", nil, nil, header},
		{
			"a byte order mark is written first and once",
			nil,
			[]query.Export{{BOM: true}},
			"\xef\xbb\xbf" + header,
		},
		{
			"a delivered record has the details of the attempt that delivered it",
			[]smsplus.Message{fullRecord(t)},
			nil,
			header + "01890000-0000-7000-8000-000000000001,order-17,shipped,出貨通知,886,******678,,delivered,sms," +
				"2026-09-15T10:30:00Z,2026-09-15T10:31:00Z,2026-09-15T10:32:00Z,2,,,sms-9,batch-5,2026-09-15T10:34:00Z,line_push=too_late\n",
		},
		{
			"an undelivered record has the details of the current attempt, revealed and in the location's time",
			[]smsplus.Message{preparing},
			[]query.Export{{Reveal: true, Location: loadZone(t, "Asia/Taipei")}},
			header + "01890000-0000-7000-8000-000000000001,order-17,shipped,出貨通知,886,912345678,line_push=U0123456789abcdef," +
				"preparing,line_push,2026-09-15T18:30:00+08:00,,,1,no_contact,404 not found,,batch-5,2026-09-15T18:34:00+08:00,line_push=too_late\n",
		},
		{
			"a missing value is an empty cell",
			[]smsplus.Message{bare},
			nil,
			header + "00000000-0000-0000-0000-000000000000,,t,,,,,preparing,sms,2026-09-15T10:30:00Z,,,0,,,,,,\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			require.NoError(t, query.WriteCSV(&out, seqOf(tt.list...), tt.o...))
			require.Equal(t, tt.want, out.String())
		})
	}
}

func TestWriteCSV_EscapesFormulas(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{
		"":                     "",
		"plain":                "plain",
		"a=1":                  "a=1",
		"*star":                "*star",
		"  ":                   "  ",
		"'quoted'":             "'quoted'",
		"=1+1":                 "'=1+1",
		"+886912345678":        "'+886912345678",
		"-1":                   "'-1",
		"@SUM(A1)":             "'@SUM(A1)",
		"\ttab":                "'\ttab",
		"\rreturn":             "'\rreturn",
		"\nline":               "'\nline",
		"＝1+1":                 "'＝1+1",
		"＋1":                   "'＋1",
		"－1":                   "'－1",
		"＠SUM(A1)":             "'＠SUM(A1)",
		" =1":                  "' =1",
		" \t":                  "' \t",
		"\u3000\u00a0=1":       "'\u3000\u00a0=1",
		"\uFEFF=1":             "'\uFEFF=1",
		"'=1":                  "''=1",
		" ' =1":                "' ' =1",
		`=HYPERLINK("x","y")`:  `'=HYPERLINK("x","y")`,
		"\xff=1":               "\xff=1",
		"=cmd|' /C calc'!A0\n": "'=cmd|' /C calc'!A0\n",
	} {
		require.Equal(t, want, detailCell(t, cell), "%q", cell)
	}
}

func TestWriteCSV_KeepsTextsText(t *testing.T) {
	t.Parallel()
	for _, retyped := range []string{
		"00123", "0701020304", "1E5", "1e-3", "12345678901234567890", "123456789012", "2026-11-28", "28.11.2026", "11/28", "１Ｅ５", "２０２６／１１／２８",
		"1-2", "1.10", "1,000", "5%", "$5", "€ 5", "12:30", "12:30 PM", "(5)", "MAR1", "1 Sept", "5 March 2026", "2026-11-28T10:00:00Z",
		"1月2日", "TRUE", "false", " 007", "'007", "０１２", "12 345",
	} {
		require.Equal(t, "'"+retyped, detailCell(t, retyped))
	}
	for _, kept := range []string{
		"0", "7", "12345678901", "code 7", "A0012", "error 1E5", "true story", "may", "m-9Zx", "v1.2", "6f0c2d1e-8f2c-4a63-9a63-2f3c9f6c5d11",
	} {
		require.Equal(t, kept, detailCell(t, kept))
	}
}

func TestWriteCSV_SeparatesByComma(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	require.NoError(t, query.WriteCSV(&out, seqOf(messageWithText("a;b,c")), query.Export{Comma: ';'}))
	require.Equal(t, strings.ReplaceAll(header, ",", ";"), out.String()[:len(header)])
	require.Contains(t, out.String(), `;"a;b,c";`)
	require.Error(t, query.WriteCSV(io.Discard, seqOf(message(1)), query.Export{Comma: '"'}))
}

func detailCell(t require.TestingT, detail string) string {
	rows := writeAndReadCSV(t, messageWithText(detail))
	return rows[1][slices.Index(rows[0], "reference")]
}

// messageWithText returns a message with the text in every field whose text an
// application, a provider or a person chooses.
func messageWithText(s string) smsplus.Message {
	m := message(1)
	m.Key, m.Reference, m.Template, m.Scenario, m.Channel = s, s, s, s, channel.Name(s)
	m.To.IDs = map[channel.Name]string{channel.Name(s): s}
	m.Attempts = []smsplus.Attempt{{Channel: m.Channel, Reason: status.Reason(s), Detail: s, ProviderID: s}}
	return m
}

func writeAndReadCSV(t require.TestingT, m smsplus.Message) [][]string {
	var out bytes.Buffer
	require.NoError(t, query.WriteCSV(&out, seqOf(m), query.Export{Reveal: true}))
	rows, err := csv.NewReader(&out).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 2)
	return rows
}

// requireSafeCells requires that a CSV with the text has all its cells, that none could be
// a formula, and that removing one apostrophe restores the text.
func requireSafeCells(t require.TestingT, text string) {
	const (
		columns = 19
		texts   = 8
	)
	cells := writeAndReadCSV(t, messageWithText(text))[1]
	require.Len(t, cells, columns)
	text = strings.ReplaceAll(text, "\r\n", "\n") // as encoding/csv's reader does
	plain, escaped := 0, 0
	for _, cell := range cells {
		require.False(t, startsFormula(cell), "%q", cell)
		switch cell {
		case text:
			plain++
		case "'" + text:
			escaped++
		}
	}
	require.GreaterOrEqual(t, plain+escaped, texts)
	// A cell that begins with an apostrophe is either escaped or not, for any text.
	if rest, ok := strings.CutPrefix(text, "'"); ok && plain >= texts {
		require.NotContains(t, writeAndReadCSV(t, messageWithText(rest))[1], text)
	}
}

// startsFormula reports whether a spreadsheet could take the cell for a formula. It shares
// no code with the package, so that it can test it.
func startsFormula(cell string) bool {
	if cell != "" && strings.Contains("\t\r\n", cell[:1]) {
		return true
	}
	for _, r := range cell {
		if r == '\uFEFF' || unicode.IsSpace(r) {
			continue
		}
		return strings.ContainsRune("=+-@＝＋－＠", r)
	}
	return false
}

func TestWriteCSV_EscapingCanBeUndone(t *testing.T) {
	t.Parallel()
	text := rapid.StringOf(rapid.SampledFrom([]rune("=+-@\t\r\n＝＋－＠ '\",;\u3000\uFEFFa1")))
	rapid.Check(t, func(t *rapid.T) { requireSafeCells(t, text.Draw(t, "text")) })
}

func FuzzCSV(f *testing.F) {
	for _, seed := range []string{"", "plain", "=1+1", "'=1", " \t@", "\r\n-", "＝", "\"", `\.`, "\uFEFF'+", "a\r\nb", "\xff=", "一,二\n三"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) { requireSafeCells(t, text) })
}

func BenchmarkWriteCSV(b *testing.B) {
	m := fullRecord(b)
	b.ReportAllocs()
	require.NoError(b, query.WriteCSV(io.Discard, func(yield func(smsplus.Message, error) bool) {
		for b.Loop() { // one row
			if !yield(m, nil) {
				return
			}
		}
	}))
}
