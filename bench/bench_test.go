package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/smsplus"
)

func TestTheComparisonRuns(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	require.NoError(t, run(t.Context(), &out, []string{"-n", "205", "-rounds", "2"}))
	require.Contains(t, out.String(), "200 messages a run, 8 senders")
	require.Regexp(t, `(?m)^ *2( +\d+/s){5}( +\d+\.\d\d){2} *$`, out.String())
	require.Regexp(t, `(?m)^ *median( +\d+/s){5}( +\d+\.\d\d){2} *$`, out.String())
	require.Regexp(t, `(?m)^ *CPU a message( +\d+\.\d\d µs){5} *$`, out.String())
}

func TestTheGrowthTableIsPrinted(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	require.NoError(t, run(t.Context(), &out, []string{"growth", "-max", "10000", "-time", "1ns"}))
	require.Regexp(t, `(?m)^ *records +100 +1000 +10000 +growth *$`, out.String())
	for _, q := range append(pages, statistics...) {
		require.Regexp(t, `(?m)^ *`+q.name+`( +\d+\.\d){3} +×\d+\.\d\d *$`, out.String())
	}
	require.Contains(t, out.String(), "claim of 100")
	require.Contains(t, out.String(), "heap bytes a record")
}

func TestEveryPageOfTheGrowthTableIsFull(t *testing.T) {
	t.Parallel()
	s := memstore.New()
	require.NoError(t, fill(t.Context(), s, 10_000, tried))
	for _, q := range pages {
		page, err := s.Records(t.Context(), q.filter)
		require.NoError(t, err)
		require.Len(t, page.Messages, smsplus.DefaultLimit, q.name)
	}
	rows, err := s.Stats(t.Context(), statistics[0].filter)
	require.NoError(t, err)
	require.Len(t, rows, 50, "templates")
}

func TestFlagsThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-n", "7"}, {"-rounds", "0"}, {"growth", "-max", "9999"}, {"-no-such-flag"}} {
		require.Error(t, run(t.Context(), &strings.Builder{}, args), args)
	}
}

func TestTheMedianIsTheMiddleFigure(t *testing.T) {
	t.Parallel()
	same := func(f float64) float64 { return f }
	require.InDelta(t, 2.0, median([]float64{3, 1, 2}, same), 0)
	require.InDelta(t, 2.0, median([]float64{4, 3, 1, 2}, same), 0)
	costs, err := typical(time.Nanosecond, 2, func(int) error { return nil })
	require.NoError(t, err)
	require.Len(t, costs, 2)
}
