package phone_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"text/template"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/status"
)

// unmaskedForms returns the forms that must never be printed: the number's digits, and the
// same integer in the bases and encodings of fmt.
func unmaskedForms(t *testing.T, n phone.Number) []string {
	t.Helper()
	digits := n.E164()[1:]
	value, err := strconv.ParseUint(digits, 10, 64)
	require.NoError(t, err)
	national := strings.TrimPrefix(digits, n.CountryCode())
	return []string{
		national[:6], national[len(national)-6:], national,
		strconv.FormatUint(value, 16), strconv.FormatUint(value, 8), strconv.FormatUint(value, 2),
		hex.EncodeToString([]byte(national)), // %x of the text
		strings.Trim(fmt.Sprintf("%d", []byte(national[:6])), "[]"),
	}
}

// requireMasked requires that none of the forms is in the text, in upper or lower case.
func requireMasked(t *testing.T, n phone.Number, how, text string) {
	t.Helper()
	text = strings.ToLower(text)
	for _, form := range unmaskedForms(t, n) {
		require.NotContains(t, text, form, how)
	}
}

type exported struct {
	N phone.Number
	P *phone.Number
}

type unexported struct {
	n phone.Number
	p *phone.Number
	a any
}

type embedded struct{ phone.Number }

type nested struct{ inner unexported }

type errorWithNumber struct{ to phone.Number }

func (f errorWithNumber) Error() string { return fmt.Sprintf("cannot reach %v", f.to) }

// valuesWithNumber returns values of many kinds that hold the number.
func valuesWithNumber(n phone.Number) map[string]any {
	to := channel.Recipient{Phone: n}
	return map[string]any{
		"bare":                   n,
		"pointer":                &n,
		"exported field":         exported{n, &n},
		"unexported field":       unexported{n, &n, n},
		"pointer to struct":      &unexported{n, &n, &n},
		"embedded":               embedded{n},
		"two structs deep":       nested{unexported{n: n, a: exported{n, &n}}},
		"slice":                  []phone.Number{n, n},
		"array":                  [2]phone.Number{n, n},
		"slice of pointers":      []*phone.Number{&n},
		"slice of any":           []any{n, &n, unexported{n: n}},
		"map key":                map[phone.Number]int{n: 1},
		"map value":              map[string]phone.Number{"n": n},
		"map in an unexported":   struct{ m map[phone.Number]phone.Number }{map[phone.Number]phone.Number{n: n}},
		"slice in an unexported": struct{ s []phone.Number }{[]phone.Number{n}},
		"channel.Recipient":      to,
		"channel.Envelope":       channel.Envelope{AttemptID: uuid.Nil, To: to, Content: channel.Text("x"), Try: 1},
		"pointer to Envelope":    &channel.Envelope{To: to},
		"channel.Receipt":        channel.Receipt{Channel: channel.SMS, ProviderID: "p", Status: status.Delivered},
		"error":                  errorWithNumber{n},
		"wrapped error":          fmt.Errorf("send: %w", errorWithNumber{n}),
		"joined errors":          errors.Join(errorWithNumber{n}, fmt.Errorf("to %v: %w", n, errorWithNumber{n})),
		"channel.Error":          channel.Temporary(errorWithNumber{n}, 0),
	}
}

func TestNumber_MaskedByEveryVerb(t *testing.T) {
	t.Parallel()
	n := mustParse(t, "+886912345678")
	for name, v := range valuesWithNumber(n) {
		for verb := 'A'; verb <= 'z'; verb++ {
			for _, flags := range []string{"", "+", "#", "-", " ", "0", "+#", "# ", "20", ".3", "#20.10"} {
				format := "%" + flags + string(verb)
				requireMasked(t, n, name+" "+format, fmt.Sprintf(format, v))
			}
		}
		requireMasked(t, n, name+" Sprint", fmt.Sprint(v))
		requireMasked(t, n, name+" Sprintln", fmt.Sprintln(v, v))
		for _, mistaken := range []string{"%d %!", "none", "%[5]d", "%*d"} {
			requireMasked(t, n, name+" "+mistaken, fmt.Sprintf(mistaken, v))
		}
	}
}

func TestNumber_MaskedBySlog(t *testing.T) {
	t.Parallel()
	n := mustParse(t, "+886912345678")
	for name, v := range valuesWithNumber(n) {
		var out bytes.Buffer
		options := &slog.HandlerOptions{AddSource: true}
		for _, handler := range []slog.Handler{slog.NewTextHandler(&out, options), slog.NewJSONHandler(&out, options)} {
			log := slog.New(handler).With("with", v).WithGroup("group")
			log.LogAttrs(context.Background(), slog.LevelInfo, "message",
				slog.Any("any", v), slog.Group("inner", slog.Any("any", v)), slog.Any("several", []any{v, v}))
		}
		requireMasked(t, n, name, out.String())
	}
}

func TestNumber_MaskedByEncoders(t *testing.T) {
	t.Parallel()
	n := mustParse(t, "+886912345678")
	for name, v := range valuesWithNumber(n) {
		var out bytes.Buffer
		for _, encode := range []func() error{
			func() error { return json.NewEncoder(&out).Encode(v) },
			func() error { return xml.NewEncoder(&out).Encode(v) },
			func() error { return gob.NewEncoder(&out).Encode(v) },
			func() error { return template.Must(template.New("").Parse(`{{.}}{{printf "%d" .}}`)).Execute(&out, v) },
		} {
			if err := encode(); err != nil { // some values cannot be encoded, and then the error is printed
				out.WriteString(err.Error())
			}
		}
		requireMasked(t, n, name, out.String())
	}
	text, err := n.MarshalText()
	require.NoError(t, err)
	require.Equal(t, "+886******678", string(text))
}

func TestNumber_MaskedInPanics(t *testing.T) {
	t.Parallel()
	n := mustParse(t, "+886912345678")
	for name, v := range valuesWithNumber(n) {
		func() {
			defer func() {
				p := recover()
				requireMasked(t, n, name, fmt.Sprint(p))
				requireMasked(t, n, name, fmt.Sprintf("%v %+v %#v", p, p, p))
			}()
			panic(v)
		}()
	}
}

func TestLogValue_IsMaskedNumber(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("sent", "to", mustParse(t, "+886912345678"))
	require.Contains(t, out.String(), `"to":"+886******678"`)
}

func TestFormat_IsMaskedNumber(t *testing.T) {
	t.Parallel()
	n := mustParse(t, "+886912345678")
	require.Equal(t, `"+886******678"`, fmt.Sprintf("%q", n))
	require.Equal(t, "+886******678", fmt.Sprintf("%d", n))
	require.Equal(t, "{+886******678}", fmt.Sprint(struct{ N phone.Number }{n}))
}
