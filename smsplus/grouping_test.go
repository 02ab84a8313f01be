package smsplus_test

import (
	"slices"
	"testing"
	"time"
	_ "time/tzdata" // time zones for machines without them

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/smsplus"
)

// startsOf returns the starts of the groups of messages triggered at the times.
func startsOf(by smsplus.Dimensions, zone *time.Location, ats ...time.Time) (starts []string) {
	var ms []smsplus.Message
	for _, at := range ats {
		ms = append(ms, smsplus.Message{TriggeredAt: at})
	}
	for _, row := range (smsplus.Grouping{By: by, Zone: zone}).Stats(smsplus.Filter{}, slices.Values(ms)) {
		starts = append(starts, row.Start.Format("2006-01-02 15:04:05 -0700"))
	}
	return starts
}

func mustZone(t require.TestingT, name string) *time.Location {
	zone, err := time.LoadLocation(name)
	require.NoError(t, err)
	return zone
}

func TestGrouping_StartIsTheFirstInstantOfTheHourOrTheDay(t *testing.T) {
	t.Parallel()
	utc := func(text string) time.Time {
		at, err := time.Parse("2006-01-02 15:04", text)
		require.NoError(t, err)
		return at
	}
	for _, c := range []struct {
		why, zone string
		by        smsplus.Dimensions
		at        string
		want      string
	}{
		{"a whole hour", "Asia/Taipei", smsplus.ByDay, "2026-03-14 16:00", "2026-03-15 00:00:00 +0800"},
		{"half an hour", "Asia/Kolkata", smsplus.ByHour, "2026-03-14 18:29", "2026-03-14 23:00:00 +0530"},
		{"half an hour", "Asia/Kolkata", smsplus.ByDay, "2026-03-14 18:30", "2026-03-15 00:00:00 +0530"},
		{"three quarters", "Asia/Kathmandu", smsplus.ByHour, "2026-03-14 18:14", "2026-03-14 23:00:00 +0545"},
		{"the day on which clocks go forward", "America/New_York", smsplus.ByDay, "2026-03-08 23:59", "2026-03-08 00:00:00 -0500"},
		{"the first of two hours of one name", "America/New_York", smsplus.ByHour, "2026-11-01 05:30", "2026-11-01 01:00:00 -0400"},
		{"the second of them", "America/New_York", smsplus.ByHour, "2026-11-01 06:30", "2026-11-01 01:00:00 -0500"},
		{"the hour before clocks go back by half of it", "Australia/Lord_Howe", smsplus.ByHour, "2026-04-04 14:59", "2026-04-05 01:00:00 +1100"},
		{"the half hour after it", "Australia/Lord_Howe", smsplus.ByHour, "2026-04-04 15:15", "2026-04-05 01:30:00 +1030"},
		{"midnight is skipped", "Africa/Cairo", smsplus.ByDay, "2026-04-24 10:00", "2026-04-24 01:00:00 +0300"},
		{"midnight comes twice", "America/Havana", smsplus.ByDay, "2026-11-01 05:30", "2026-11-01 00:00:00 -0400"},
		{"the day before ends at a minute past midnight", "America/St_Johns", smsplus.ByDay, "2010-11-07 12:00", "2010-11-07 00:00:00 -0230"},
		{"it goes on after that minute", "America/St_Johns", smsplus.ByDay, "2010-11-07 02:45", "2010-11-06 00:00:00 -0230"},
		{"the day was skipped", "Pacific/Apia", smsplus.ByDay, "2011-12-30 10:00", "2011-12-31 00:00:00 +1400"},
	} {
		require.Equal(t, []string{c.want}, startsOf(c.by, mustZone(t, c.zone), utc(c.at)), "%s: %s in %s", c.why, c.at, c.zone)
	}
	require.Equal(t, []string{"2026-03-14 00:00:00 +0000"}, startsOf(smsplus.ByDay, nil, utc("2026-03-14 23:59")), "no zone is UTC")
}

// A start that is itself grouped must stay where it is, and no later instant may have an
// earlier start, except where clocks go back over midnight.
func TestGrouping_StartIsInItsGroup(t *testing.T) {
	t.Parallel()
	names := []string{"UTC", "Asia/Taipei", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Havana", "Africa/Cairo", "Pacific/Apia", "Europe/Dublin"}
	rapid.Check(t, func(t *rapid.T) {
		zone := mustZone(t, rapid.SampledFrom(names).Draw(t, "zone"))
		at := time.Unix(rapid.Int64Range(0, 1<<31).Draw(t, "at"), 0)
		if _, change := at.In(zone).ZoneBounds(); rapid.Bool().Draw(t, "near a change") && !change.IsZero() {
			at = change.Add(time.Duration(rapid.IntRange(-26*60, 26*60).Draw(t, "minutes")) * time.Minute)
		}
		for _, by := range []smsplus.Dimensions{smsplus.ByHour, smsplus.ByDay} {
			row := smsplus.Grouping{By: by, Zone: zone}.Stats(smsplus.Filter{}, slices.Values([]smsplus.Message{{TriggeredAt: at}}))[0]
			require.False(t, row.Start.After(at), "a group begins at or before its messages")
			require.Less(t, at.Sub(row.Start), 26*time.Hour)
			again := smsplus.Grouping{By: by, Zone: zone}.Stats(smsplus.Filter{}, slices.Values([]smsplus.Message{{TriggeredAt: row.Start}}))[0]
			require.Equal(t, row.Start, again.Start, "the first instant is in its group")
			if before := row.Start.Add(-time.Nanosecond); before.Year() > 1970 {
				earlier := smsplus.Grouping{By: by, Zone: zone}.Stats(smsplus.Filter{}, slices.Values([]smsplus.Message{{TriggeredAt: before}}))[0]
				require.True(t, earlier.Start.Before(row.Start), "the instant before it is not")
			}
		}
	})
}

func TestDimensions_ParseIsTheInverseOfString(t *testing.T) {
	t.Parallel()
	for d := range smsplus.Dimensions(1 << 6) {
		got, err := smsplus.ParseDimensions(d.String())
		require.NoError(t, err)
		require.Equal(t, d, got)
	}
	for _, text := range []string{"colour", "template,", ",", "Template", "day day"} {
		_, err := smsplus.ParseDimensions(text)
		require.ErrorIs(t, err, smsplus.ErrInvalidFilter, text)
		require.NotContains(t, err.Error(), "colour", "an error repeats no value")
	}
}

func TestGrouping_CheckRefusesHourWithDay(t *testing.T) {
	t.Parallel()
	require.NoError(t, smsplus.Grouping{}.Check())
	require.NoError(t, smsplus.Grouping{By: smsplus.ByTemplate | smsplus.ByScenario | smsplus.ByChannel | smsplus.ByReason | smsplus.ByDay}.Check())
	require.ErrorIs(t, smsplus.Grouping{By: smsplus.ByHour | smsplus.ByDay}.Check(), smsplus.ErrInvalidFilter)
	require.ErrorIs(t, smsplus.Grouping{By: 1 << 6}.Check(), smsplus.ErrInvalidFilter)
}
