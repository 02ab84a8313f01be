package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseTime_DateIsStartOfDay(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ zone, date, want string }{
		{"UTC", "2026-11-24", "2026-11-24T00:00:00Z"},
		{"Asia/Taipei", "2026-11-24", "2026-11-24T00:00:00+08:00"},
		{"America/Sao_Paulo", "2018-11-04", "2018-11-04T01:00:00-02:00"}, // no midnight
		{"Africa/Cairo", "2025-04-25", "2025-04-25T01:00:00+03:00"},      // nor here
		{"America/Havana", "2025-11-02", "2025-11-02T00:00:00-04:00"},    // the first of two
		{"Pacific/Apia", "2011-12-30", "2011-12-31T00:00:00+14:00"},      // a day that was left out
	} {
		zone, err := time.LoadLocation(tt.zone)
		require.NoError(t, err)
		got, err := parseTime("-from", tt.date, zone)
		require.NoError(t, err)
		require.Equal(t, tt.want, got.Format(time.RFC3339))
	}
}

func FuzzTime(f *testing.F) {
	zones := []*time.Location{time.UTC}
	for _, name := range []string{"Asia/Taipei", "America/Sao_Paulo", "Pacific/Apia"} {
		zone, err := time.LoadLocation(name)
		require.NoError(f, err)
		zones = append(zones, zone)
	}
	f.Add("2018-11-04", uint8(2))
	f.Add("2011-12-30", uint8(3))
	f.Add("2026-11-23T08:00:00.5+08:00", uint8(0))
	f.Add("2026-02-29", uint8(1))
	f.Fuzz(func(t *testing.T, text string, zone uint8) {
		at, err := parseTime("-from", text, zones[int(zone)%len(zones)])
		switch {
		case err != nil:
			require.EqualError(t, err, "-from: it is neither a date (2006-01-02) nor RFC 3339 (2006-01-02T15:04:05Z)")
		case text == "":
			require.Zero(t, at)
		case len(text) == len(time.DateOnly):
			require.LessOrEqual(t, text, at.Format(time.DateOnly))
			require.Less(t, at.Add(-time.Nanosecond).Format(time.DateOnly), text, "the instant before is on another day")
		default:
			again, err := parseTime("-from", at.Format(time.RFC3339Nano), time.UTC)
			require.NoError(t, err)
			require.True(t, at.Equal(again))
			require.True(t, strings.ContainsAny(text, "Tt"))
		}
	})
}
