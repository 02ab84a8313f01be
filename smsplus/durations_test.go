package smsplus_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/smsplus/smsplus-go/smsplus"
)

func TestDurations_QuantilesAreWithinATenth(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		exact := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) time.Duration {
			d := time.Duration(math.Exp2(rapid.Float64Range(10, 62).Draw(t, "log2")))
			return d.Truncate(time.Microsecond)
		}), 1, 50).Draw(t, "durations")
		var ds smsplus.Durations
		for _, d := range exact {
			ds.Add(d, 1)
		}
		slices.Sort(exact)
		require.Equal(t, len(exact), ds.Count())
		for _, q := range []float64{0, 0.5, 0.95, 1} {
			rank := max(1, int(math.Ceil(q*float64(len(exact)))))
			require.InEpsilon(t, exact[rank-1], ds.Quantile(q), 0.1, "quantile %v", q)
		}
	})
}

func TestDurations_ClassesHaveTheRatioOfTheFourthRootOfTwo(t *testing.T) {
	t.Parallel()
	last := smsplus.ClassOf(0)
	require.Zero(t, last)
	require.Zero(t, smsplus.ClassOf(-time.Hour))
	require.Zero(t, smsplus.ClassOf(time.Microsecond-1))
	for k := range 4 * 40 {
		bound := math.Exp2(float64(k) / 4)
		at := smsplus.ClassOf(time.Duration(math.Ceil(bound)) * time.Microsecond)
		require.GreaterOrEqual(t, at, smsplus.DurationClass(k+1), "2^(%d/4) µs begins a class", k)
		require.GreaterOrEqual(t, at, last)
		last = at
		if below := math.Ceil(bound) - 1; below >= 1 {
			require.LessOrEqual(t, smsplus.ClassOf(time.Duration(below)*time.Microsecond), smsplus.DurationClass(k))
		}
	}
	require.Equal(t, smsplus.DurationClass(213), smsplus.ClassOf(math.MaxInt64), "the longest duration has a class")
}

func TestDurations_MergeAddsAll(t *testing.T) {
	t.Parallel()
	var a, b, both smsplus.Durations
	for i := range 100 {
		d := time.Duration(i) * time.Second
		a.Add(d, 1)
		b.Add(d*d/time.Second, 2)
		both.Add(d, 1)
		both.Add(d*d/time.Second, 2)
	}
	before := b.Count()
	a.Merge(b)
	require.Equal(t, both, a)
	require.Equal(t, before, b.Count(), "the other stays as it is")
	for i := range 100 {
		d := time.Duration(i) * time.Second
		a.Add(d, -1)
		a.Add(d*d/time.Second, -2)
	}
	require.Equal(t, smsplus.Durations{}, a, "what is taken away again leaves nothing")
	require.Zero(t, a.Quantile(0.5), "there is no quantile of nothing")
}
