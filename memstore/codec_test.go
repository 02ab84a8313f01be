package memstore

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/smsplus"
)

func decodesToItself(t *rapid.T) {
	var (
		v   internTables
		buf []byte
		got smsplus.Message
	)
	want := drawMessage(t)
	r := v.encodeRecord(&buf, &want)
	r.decode(&got, v.takeSnapshot())
	require.Equal(t, asStored(want), got)
	require.Equal(t, want.Key, r.key())

	attempts := r.appendAttempts(nil)
	require.Len(t, attempts, len(want.Attempts))
	for i, a := range want.Attempts {
		require.Equal(t, attemptSummary{v.channels.intern(string(a.Channel)), a.Status, !a.ReadAt.IsZero(), a.ProviderID, string(a.Reason)}, attempts[i])
	}
}

func TestRecord_DecodesToMessage(t *testing.T) {
	t.Parallel()
	rapid.Check(t, decodesToItself)
}

func FuzzRecord_DecodesToMessage(f *testing.F) {
	f.Fuzz(rapid.MakeFuzz(decodesToItself))
}

func TestRecord_KeepsExtremeValues(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]smsplus.Message{
		"zero":        {},
		"empty":       {Vars: map[string]string{}, Metadata: map[string]string{}, Plan: []smsplus.PlannedStep{}, Attempts: []smsplus.Attempt{}},
		"early":       {TriggeredAt: time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC)},
		"the epoch":   {TriggeredAt: time.Unix(0, 0), DueAt: time.Unix(0, 0), ReadAt: time.Unix(0, 0)},
		"late":        {TriggeredAt: time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC), ReadAt: time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC)},
		"big numbers": {Version: math.MaxInt64, Claims: math.MaxInt32, Plan: []smsplus.PlannedStep{{Wait: math.MinInt64}}},
		"no UTF-8":    {Key: "\xff\x00", Attempts: []smsplus.Attempt{{Channel: channel.Name("\x80"), Detail: "\x00"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var (
				v   internTables
				buf []byte
				got smsplus.Message
			)
			r := v.encodeRecord(&buf, &m)
			r.decode(&got, v.takeSnapshot())
			require.Equal(t, asStored(m), got)
		})
	}
}

func TestRecord_RecipientWithoutIDsAllocatesNothingForThem(t *testing.T) {
	var (
		v   internTables
		buf []byte
	)
	m := smsplus.Message{Key: "k"}
	r := v.encodeRecord(&buf, &m)
	texts := v.takeSnapshot()
	require.Zero(t, testing.AllocsPerRun(100, func() {
		var got smsplus.Message
		r.decode(&got, texts)
	}))
	tab := newTable(&internTables{})
	require.Zero(t, testing.AllocsPerRun(100, func() { _ = tab.recipientIDs(&r) }))
}
