package daysheet_test

import (
	"slices"
	"testing"
	"time"
	_ "time/tzdata" // time zones for machines without them

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/daysheet"
	"github.com/smsplus/smsplus-go/internal/microtime"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// change is a day in a zone on which clocks change, at an odd minute for one of them.
type change struct{ zone, day string }

var changes = []change{
	{"UTC", "2026-03-14"},
	{"Asia/Kathmandu", "2026-03-14"},
	{"Australia/Lord_Howe", "2026-04-04"},
	{"America/St_Johns", "2010-11-07"},
	{"Africa/Cairo", "2026-04-23"},
	{"Africa/Monrovia", "1971-06-01"}, // 44 minutes and a half behind UTC
}

func drawMessage(t *rapid.T, day time.Time) smsplus.Message {
	seconds := func(from, to int) time.Duration {
		return time.Duration(rapid.IntRange(from, to).Draw(t, "seconds")) * time.Second
	}
	at := day.Add(seconds(-30*60*60, 54*60*60) / 300 * 300)
	if rapid.Bool().Draw(t, "odd") {
		at = at.Add(seconds(-1, 1))
	}
	m := smsplus.Message{
		Template:    rapid.SampledFrom([]string{"otp", "order", ""}).Draw(t, "template"),
		Scenario:    rapid.SampledFrom([]string{"OTP", ""}).Draw(t, "scenario"),
		TriggeredAt: at, Status: rapid.SampledFrom(status.Statuses()).Draw(t, "status"),
	}
	for range rapid.IntRange(0, 2).Draw(t, "attempts") {
		m.Attempts = append(m.Attempts, smsplus.Attempt{
			Channel:   rapid.SampledFrom([]channel.Name{channel.SMS, channel.WhatsApp, ""}).Draw(t, "channel"),
			Status:    rapid.SampledFrom(status.Statuses()).Draw(t, "status"),
			Reason:    rapid.SampledFrom([]status.Reason{"", status.Blocked}).Draw(t, "reason"),
			StartedAt: at, DeliveredAt: at.Add(seconds(-1, 3)), ReadAt: at,
		})
		m.DeliveredAt = at.Add(seconds(0, 60))
	}
	return m
}

func TestQuery_EqualsRecount(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom(changes).Draw(t, "day")
		zone, err := time.LoadLocation(c.zone)
		require.NoError(t, err)
		begin, err := time.Parse(time.DateOnly, c.day)
		require.NoError(t, err)
		ms := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) smsplus.Message { return drawMessage(t, begin) }), 0, 30).Draw(t, "messages")

		days := map[int64]*daysheet.Day{}
		for i := range ms {
			quarter := daysheet.QuarterOf(ms[i].TriggeredAt.UnixMicro())
			day := daysheet.DayOf(quarter)
			if days[day] == nil {
				days[day] = new(daysheet.Day)
			}
			units := smsplus.AppendUnits(nil, &ms[i])
			days[day].Add(int(quarter-day*daysheet.Quarters), ms[i].Template, ms[i].Scenario, units, 1)
			if rapid.Bool().Draw(t, "merge") {
				days[day].Merge()
			}
			if rapid.Bool().Draw(t, "as another before") {
				other := []smsplus.Unit{{Count: smsplus.Count{Status: status.Failed}}}
				days[day].Add(3, "gone", "", other, 1)
				days[day].Merge()
				days[day].Add(3, "gone", "", other, -1)
			}
		}

		f := smsplus.Filter{Group: rapid.SampledFrom(status.Groups()).Draw(t, "group")}
		if rapid.Bool().Draw(t, "has range") {
			f.From = begin.Add(time.Duration(rapid.IntRange(-30*60, 10*60).Draw(t, "from")) * time.Minute)
			f.To = f.From.Add(time.Duration(rapid.IntRange(0, 60*60).Draw(t, "length")) * time.Minute)
		}
		f.Template = rapid.SampledFrom([]string{"", "otp"}).Draw(t, "of template")
		f.Channel = rapid.SampledFrom([]channel.Name{"", channel.SMS}).Draw(t, "of channel")
		g := smsplus.Grouping{
			By:   smsplus.Dimensions(rapid.IntRange(0, 15).Draw(t, "by")) | rapid.SampledFrom([]smsplus.Dimensions{0, smsplus.ByHour, smsplus.ByDay}).Draw(t, "time"),
			Zone: zone, Times: rapid.Bool().Draw(t, "times"),
		}

		q, ok := daysheet.NewQuery(f, g)
		require.True(t, ok)
		in := q.Days()
		for number, d := range days {
			d.Merge()
			if rapid.Bool().Draw(t, "of two halves") {
				d = joinHalves(t, d, rapid.IntRange(0, daysheet.Quarters).Draw(t, "middle"))
			}
			if number < in.From || number >= in.To {
				continue
			}
			for _, k := range q.Kinds() {
				s := d.Sheets[k]
				if rapid.Bool().Draw(t, "expanded") {
					s.Expand()
				}
				if q.IsUniform(number) && rapid.Bool().Draw(t, "sum") {
					s = *s.Sum()
				}
				q.AddSheet(number, k, &s)
			}
		}
		matching := slices.DeleteFunc(slices.Clone(ms), func(m smsplus.Message) bool { return !f.Match(m) })
		for i := range matching {
			at := matching[i].TriggeredAt.UnixMicro()
			if slices.ContainsFunc(q.Edges, func(r microtime.Range) bool { return r.From <= at && at < r.To }) {
				q.Add(&matching[i])
			}
		}
		require.Equal(t, g.Stats(f, slices.Values(matching)), q.Rows())
	})
}

// joinHalves returns a day with the same counts. It divides the day at a quarter, encodes and
// decodes the halves, and adds them.
func joinHalves(t *rapid.T, d *daysheet.Day, middle int) *daysheet.Day {
	joined := new(daysheet.Day)
	for _, isSecond := range []bool{false, true} {
		var half daysheet.Day
		half.AddDay(d)
		half.Merge()
		half.Keep(func(quarter int) bool { return quarter >= middle == isSecond })
		for k := range half.Sheets {
			b := half.Sheets[k].Append([]byte("before"))
			s, err := daysheet.DecodeSheet(b[len("before"):])
			require.NoError(t, err)
			half.Sheets[k] = s
		}
		joined.AddDay(&half)
		if rapid.Bool().Draw(t, "merge a half") {
			joined.Merge()
		}
	}
	joined.Merge()
	return joined
}

func TestNewQuery_RefusesFiltersThatSheetsDoNotKnow(t *testing.T) {
	t.Parallel()
	number, err := phone.Parse("+886912345678")
	require.NoError(t, err)
	for _, f := range []smsplus.Filter{{Phone: number}, {CountryCode: "886"}, {Key: "k"}, {RecipientID: "U1"}} {
		_, ok := daysheet.NewQuery(f, smsplus.Grouping{})
		require.False(t, ok, "%v", f)
	}
	q, ok := daysheet.NewQuery(smsplus.Filter{Limit: 3, After: "ignored"}, smsplus.Grouping{})
	require.True(t, ok)
	require.Empty(t, q.Edges, "an open range cuts nothing")
	at := time.Date(2026, 3, 14, 12, 7, 0, 0, time.UTC)
	q, _ = daysheet.NewQuery(smsplus.Filter{From: at, To: at.Add(time.Hour)}, smsplus.Grouping{})
	require.Equal(t, []microtime.Range{
		{From: at.UnixMicro(), To: at.Add(8 * time.Minute).UnixMicro()},
		{From: at.Add(53 * time.Minute).UnixMicro(), To: at.Add(time.Hour).UnixMicro()},
	}, q.Edges, "a range cuts a quarter at each end")
}

func TestQuery_IsUniformOnDaysThatItDoesNotDivide(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 3, 14, 0, 15, 0, 0, time.UTC)
	first := from.Unix() / (24 * 60 * 60)
	for _, c := range []struct {
		g    smsplus.Grouping
		want []bool // of the day that the range cuts, and the next
	}{
		{smsplus.Grouping{By: smsplus.ByTemplate}, []bool{false, true}},
		{smsplus.Grouping{By: smsplus.ByDay}, []bool{false, true}},
		{smsplus.Grouping{By: smsplus.ByDay, Zone: time.FixedZone("", 60*60)}, []bool{false, false}},
		{smsplus.Grouping{By: smsplus.ByHour}, []bool{false, false}},
	} {
		q, ok := daysheet.NewQuery(smsplus.Filter{From: from}, c.g)
		require.True(t, ok)
		require.Equal(t, c.want, []bool{q.IsUniform(first), q.IsUniform(first + 1)}, "%v", c.g)
	}
}

func FuzzDecodeSheet(f *testing.F) {
	var d daysheet.Day
	d.Add(5, "otp", "OTP", []smsplus.Unit{
		{Count: smsplus.Count{Status: status.Delivered}, IsTimed: true, Time: 40},
		{Count: smsplus.Count{Status: status.Undeliverable}, Channel: channel.LINEPush, Reason: status.Blocked},
	}, 7)
	d.Merge()
	for i := range d.Sheets {
		f.Add(d.Sheets[i].Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := daysheet.DecodeSheet(b)
		if err != nil {
			require.ErrorIs(t, err, daysheet.ErrCorrupt)
			return
		}
		for k := range daysheet.Kind(daysheet.Kinds) {
			q, _ := daysheet.NewQuery(smsplus.Filter{}, smsplus.Grouping{By: smsplus.ByChannel | smsplus.ByHour})
			q.AddSheet(1, k, &s)
			q.Rows()
		}
		again, err := daysheet.DecodeSheet(s.Append(nil))
		require.NoError(t, err, "what was decoded can be encoded")
		require.Equal(t, s.Append(nil), again.Append(nil))
	})
}

func FuzzDecodeUnits(f *testing.F) {
	f.Add(daysheet.AppendUnits(nil, []smsplus.Unit{
		{Count: smsplus.Count{Status: status.Delivered, Read: true}, IsTimed: true, Time: 40},
		{Count: smsplus.Count{Status: status.Undeliverable}, Channel: channel.LINEPush, Reason: status.Blocked},
	}))
	f.Fuzz(func(t *testing.T, b []byte) {
		units, err := daysheet.DecodeUnits(b)
		if err != nil {
			return
		}
		again, err := daysheet.DecodeUnits(daysheet.AppendUnits(nil, units))
		require.NoError(t, err, "what was decoded can be encoded")
		require.Equal(t, units, again)
	})
}
