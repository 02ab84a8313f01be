package smsplus_test

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

func TestFilterCheck_NamesTheWrongFields(t *testing.T) {
	t.Parallel()
	bad := smsplus.Filter{From: start, To: start.Add(-1), Limit: -1, Group: 9, CountryCode: "+886", After: "?"}
	err := bad.Check()
	require.ErrorIs(t, err, smsplus.ErrInvalidFilter)
	for _, field := range []string{"Filter.To", "Filter.Limit", "Filter.Group", "Filter.CountryCode", "Filter.After"} {
		require.ErrorContains(t, err, field)
	}
	require.NoError(t, smsplus.Filter{}.Check())
	require.NoError(t, smsplus.Filter{From: start, To: start, CountryCode: "886", Group: status.Sent}.Check())
}

func TestFilterCheck_RefusesWhatStoresCannotKeep(t *testing.T) {
	t.Parallel()
	first := time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC)
	last := time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)
	require.NoError(t, smsplus.Filter{From: first, To: last, Limit: math.MaxInt32 - 1}.Check())
	west := time.FixedZone("UTC-12", -12*60*60)
	for _, c := range []struct {
		field string
		f     smsplus.Filter
	}{
		{"Filter.Limit", smsplus.Filter{Limit: math.MaxInt32}},
		{"Filter.Template", smsplus.Filter{Template: "\xff"}},
		{"Filter.Key", smsplus.Filter{Key: "a\x00b"}},
		{"Filter.RecipientID", smsplus.Filter{RecipientID: "a\x00b"}},
		{"Filter.Scenario", smsplus.Filter{Scenario: "a\x00b"}},
		{"Filter.Reason", smsplus.Filter{Reason: "a\x00b"}},
		{"Filter.ProviderID", smsplus.Filter{ProviderID: "a\xffb"}},
		{"Filter.Reference", smsplus.Filter{Reference: "a\x00b"}},
		{"Filter.Limit", smsplus.Filter{Limit: math.MaxInt}},
		{"Filter.Template", smsplus.Filter{Template: "a\x00"}},
		{"Filter.Template", smsplus.Filter{Template: "a\xff"}},
		{"Filter.Channel", smsplus.Filter{Channel: "a\x00"}},
		{"Filter.Channel", smsplus.Filter{Channel: "a\xff"}},
		{"Filter.From", smsplus.Filter{From: last.Add(1)}},
		{"Filter.From", smsplus.Filter{From: first.Add(-2)}},
		{"Filter.To", smsplus.Filter{To: last.Add(1)}},
		{"Filter.To", smsplus.Filter{To: first.Add(-2)}},
		{"Filter.To", smsplus.Filter{To: last.Add(1).In(west)}}, // in that zone it is still 9999
		{"Filter.After", smsplus.Filter{After: smsplus.Filter{}.CursorAt(smsplus.Message{TriggeredAt: last.Add(1)})}},
		{"Filter.After", smsplus.Filter{After: smsplus.Filter{}.CursorAt(smsplus.Message{TriggeredAt: first.Add(-2)})}},
		{"Filter.After", smsplus.Filter{After: smsplus.Filter{}.CursorAt(smsplus.Message{TriggeredAt: time.UnixMicro(math.MinInt64)})}},
		{"Filter.After", smsplus.Filter{After: smsplus.Filter{}.CursorAt(smsplus.Message{TriggeredAt: time.UnixMicro(math.MaxInt64)})}},
	} {
		err := c.f.Check()
		require.ErrorIs(t, err, smsplus.ErrInvalidFilter, "%+v", c.f)
		require.ErrorContains(t, err, c.field)
	}
}

// A field is taken to be personal unless it is listed here.
func TestCursor_SaysNothingOfAPerson(t *testing.T) {
	t.Parallel()
	impersonal := []string{"From", "To", "Template", "Scenario", "Channel", "Reason", "CountryCode", "Group", "Limit", "After"}
	m := smsplus.Message{ID: uuid.New(), TriggeredAt: start}
	personal := 0
	for field := range reflect.TypeFor[smsplus.Filter]().Fields() {
		if slices.Contains(impersonal, field.Name) {
			continue
		}
		personal++
		var values [2]reflect.Value
		switch {
		case field.Type == reflect.TypeFor[phone.Number]():
			values[0], values[1] = reflect.ValueOf(number(t, "+886912345678")), reflect.ValueOf(number(t, "+886912345679"))
		case field.Type.Kind() == reflect.String:
			values[0], values[1] = reflect.ValueOf("one").Convert(field.Type), reflect.ValueOf("two").Convert(field.Type)
		default:
			t.Fatalf("Filter.%s is a %v: list it as impersonal, or give it two values here", field.Name, field.Type)
		}
		var cursors [2]smsplus.Cursor
		for i, v := range values {
			f := smsplus.Filter{Template: "otp"}
			reflect.ValueOf(&f).Elem().FieldByIndex(field.Index).Set(v)
			cursors[i] = f.CursorAt(m)
		}
		require.Equal(t, cursors[0], cursors[1], "a digest of Filter.%s could be reversed by trying", field.Name)
	}
	require.Positive(t, personal)
}

func TestCursor_BelongsToItsFilter(t *testing.T) {
	t.Parallel()
	m := smsplus.Message{ID: uuid.New(), TriggeredAt: start}
	f := smsplus.Filter{Template: "otp", Phone: number(t, "+886912345678")}
	f.After = f.CursorAt(m)
	at, id, err := f.Position()
	require.NoError(t, err)
	require.Equal(t, m.TriggeredAt, at)
	require.Equal(t, m.ID, id)
	require.NotContains(t, string(f.After), "912345678")

	stranger := f
	stranger.Phone = number(t, "+886912345679")
	require.Equal(t, f.After, stranger.CursorAt(m), "a cursor says nothing of the number")

	f.Limit = 7 // a page of another size is the same list
	require.NoError(t, f.Check())
	for _, change := range []func(*smsplus.Filter){
		func(f *smsplus.Filter) { f.Template = "other" },
		func(f *smsplus.Filter) { f.Phone = phone.Number{} },
		func(f *smsplus.Filter) { f.Channel = channel.SMS },
		func(f *smsplus.Filter) { f.From = start },
		func(f *smsplus.Filter) { f.To = start.Add(time.Hour) },
		func(f *smsplus.Filter) { f.CountryCode = "886" },
		func(f *smsplus.Filter) { f.Key = "order-1" },
		func(f *smsplus.Filter) { f.Scenario = "OTP" },
		func(f *smsplus.Filter) { f.Reason = status.Blocked },
		func(f *smsplus.Filter) { f.ProviderID = "1" },
		func(f *smsplus.Filter) { f.Reference = "batch" },
		func(f *smsplus.Filter) { f.Group = status.Sent },
	} {
		other := f
		change(&other)
		require.ErrorIs(t, other.Check(), smsplus.ErrInvalidFilter)
		require.ErrorContains(t, other.Check(), "another filter")
	}
}

// A cursor comes back from outside, in a URL.
func FuzzCursor(f *testing.F) {
	m := smsplus.Message{ID: uuid.New(), TriggeredAt: start}
	f.Add(string(smsplus.Filter{}.CursorAt(m)), "")
	f.Add(string(smsplus.Filter{Template: "otp"}.CursorAt(m)), "otp")
	f.Add("AAAA", "otp")
	f.Add(strings.Repeat("_", 35), "")
	f.Add("D6s0000000000\n0000000000000000000000", "") // of the empty filter, with a line end
	f.Fuzz(func(t *testing.T, cursor, template string) {
		filter := smsplus.Filter{Template: template, After: smsplus.Cursor(cursor)}
		at, id, err := filter.Position()
		if err != nil {
			require.ErrorIs(t, err, smsplus.ErrInvalidFilter)
			return
		}
		if cursor != "" { // one that is taken is the only way to write its place
			require.Equal(t, filter.After, filter.CursorAt(smsplus.Message{ID: id, TriggeredAt: at}))
		}
	})
}
