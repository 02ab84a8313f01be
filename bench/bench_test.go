package main

import (
	"errors"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/internal/pgtest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	pgtest.Stop()
	os.Exit(code)
}

func TestRun_ComparesMemory(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	require.NoError(t, run(t.Context(), &out, []string{"-n", "205", "-rounds", "2"}))
	require.Contains(t, out.String(), "205 messages a run")
	require.Regexp(t, `(?m)^ *2( +\d+/s){5}( +\d+\.\d\d){2} *$`, out.String())
	require.Regexp(t, `(?m)^ *median( +\d+/s){5}( +\d+\.\d\d){2} *$`, out.String())
	require.Regexp(t, `(?m)^ *CPU a message( +\d+\.\d\d µs){5} *$`, out.String())
}

func TestRun_ComparesPostgres(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	var out strings.Builder
	require.NoError(t, run(t.Context(), &out, []string{"postgres", "-dsn", dsn, "-n", "205", "-rounds", "1"}))
	require.Contains(t, out.String(), "fsync off")
	require.Regexp(t, `(?m)^ *single +smsplus .* to River +CPU to River +to commits *$`, out.String())
	require.Regexp(t, `(?m)^ *median( +\d+/s){3}( +\d+\.\d\d){3} *$`, out.String())
	require.Regexp(t, `(?m)^ *median( +\d+/s){4}( +\d+\.\d\d){3} *$`, out.String())
}

func TestRun_ComparesSQLite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var out strings.Builder
	require.NoError(t, run(t.Context(), &out, []string{"sqlite", "-dir", dir, "-n", "205", "-rounds", "1"}))
	for _, mode := range []string{"FULL", "NORMAL"} {
		require.Regexp(t, `(?m)^ *`+mode+` +smsplus .* to goqite +to backlite +to bare *$`, out.String())
	}
	require.Regexp(t, `(?m)^ *median( +\d+/s){4,5}( +\d+\.\d\d){3} *$`, out.String())
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestRun_TimesPages(t *testing.T) {
	t.Parallel()
	for _, store := range []string{"memory", "sqlite", "postgres"} {
		args := []string{"pages", "-store", store, "-n", "2000", "-time", "1ms", "-dir", t.TempDir()}
		if store == "postgres" {
			args = append(args, "-dsn", pgtest.DSN(t))
		}
		var out strings.Builder
		require.NoError(t, run(t.Context(), &out, args))
		sizes := regexp.MustCompile(`(?m)^ *(/\S*) .* ms +([0-9.]+) *$`).FindAllStringSubmatch(out.String(), -1)
		require.Len(t, sizes, len(consolePages(2000)), out.String())
		for _, s := range sizes {
			kilobytes, err := strconv.ParseFloat(s[2], 64)
			require.NoError(t, err)
			require.LessOrEqual(t, kilobytes, 100.0, s[1])
		}
	}
}

func TestWithSchema_LeavesNothingInDatabase(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db, err := connect(ctx, pgtest.DSN(t))
	require.NoError(t, err)
	before := db.cpu()
	var used string
	require.Error(t, db.withSchema(ctx, 1, func(pool *pgxpool.Pool, schema string) error {
		used = schema
		_, err := pool.Exec(ctx, "SELECT sum(i) FROM generate_series(1, 1000000) AS i")
		require.NoError(t, err)
		return errors.New("failed")
	}))
	require.NoError(t, db.withSchema(ctx, 1, func(pool *pgxpool.Pool, _ string) error {
		var there bool
		require.NoError(t, pool.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", used).Scan(&there))
		require.False(t, there)
		return nil
	}))
	require.Greater(t, db.cpu()-before, 20*time.Millisecond, "the time of a server process that has ended is missing")
}

func TestKeepMatching_DropsRatiosWithoutPeers(t *testing.T) {
	t.Parallel()
	c := contest{
		name: "c", contestants: []contestant{{name: "a"}, {name: "b"}, {name: "d"}},
		ratios: []ratio{{name: "both", of: "a", over: []string{"b", "d"}}, {name: "one", of: "a", over: []string{"b"}}},
	}
	c = c.keepMatching(regexp.MustCompile("c/[ad]"))
	require.Len(t, c.contestants, 2)
	require.Equal(t, []ratio{{name: "both", of: "a", over: []string{"d"}}}, c.ratios)
}

func TestRatio_ComparesWithBestPeer(t *testing.T) {
	t.Parallel()
	results := map[string]result{"a": {6, 8}, "b": {3, 16}, "d": {2, 2}}
	require.InDelta(t, 2.0, ratio{of: "a", over: []string{"b", "d"}}.figure(results), 0)
	require.InDelta(t, 4.0, ratio{of: "a", over: []string{"b", "d"}, cpu: true}.figure(results), 0)
}

func TestRun_PrintsGrowth(t *testing.T) {
	t.Parallel()
	for store, flags := range map[string][]string{
		"memory": nil, "sqlite": {"-dir", t.TempDir()}, "postgres": {"-dsn", "one"},
	} {
		t.Run(store, func(t *testing.T) {
			t.Parallel()
			sizes := "0 +2000 +10000"
			switch store {
			case "memory":
				sizes = "100 +1000 +10000"
			case "postgres":
				flags[1] = pgtest.DSN(t)
			}
			var out strings.Builder
			require.NoError(t, run(t.Context(), &out, append([]string{"growth", "-store", store, "-max", "10000", "-time", "1ns"}, flags...)))
			require.Regexp(t, `(?m)^ *records +`+sizes+` +growth *$`, out.String())
			for _, q := range slices.Concat(pages, statistics, claims) { // each fails if it finds too few
				require.Regexp(t, `(?m)^ *`+q.name+`( +\d+\.\d){3} +×\d+\.\d\d *$`, out.String())
			}
			require.Regexp(t, `(?m)^ *bytes a record( +-?\d+){3} *$`, out.String())
		})
	}
}

func TestRun_PrintsLatency(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	require.NoError(t, run(t.Context(), &out, []string{"latency", "-dsn", pgtest.DSN(t), "-n", "3", "-pause", "1ms", "-poll", "20ms"}))
	for _, w := range paths {
		require.Regexp(t, `(?m)^ *`+w.name+`( +\d+\.\d\d){4} *$`, out.String())
	}
}

func TestRun_TimesUrgentMessages(t *testing.T) {
	t.Parallel()
	for _, store := range []string{"memory", "sqlite", "postgres"} {
		args := []string{"urgent", "-store", store, "-n", "2000", "-codes", "20", "-rate", "1000", "-dir", t.TempDir()}
		if store == "postgres" {
			args = append(args, "-dsn", pgtest.DSN(t))
		}
		var out strings.Builder
		require.NoError(t, run(t.Context(), &out, args))
		require.Regexp(t, `(?m)^( +\d+\.\d){4} +\d+ *$`, out.String())
	}
}

func TestRun_MeasuresSharedRate(t *testing.T) {
	t.Parallel()
	for _, store := range []string{"memory", "sqlite", "postgres"} {
		args := []string{"shared", "-store", store, "-dispatchers", "2", "-time", "3s", "-dir", t.TempDir()}
		if store == "postgres" {
			args = append(args, "-dsn", pgtest.DSN(t))
		}
		var out strings.Builder
		require.NoError(t, run(t.Context(), &out, args))
		require.Regexp(t, `(?m)^ +\d+\.\d +\d+ +\d+\.\d \d+\.\d +$`, out.String())
	}
}

func TestRun_RefusesBadFlags(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-n", "0"}, {"-rounds", "0"}, {"-only", "("}, {"nothing"}, {"growth", "-max", "9999"}, {"urgent", "-codes", "0"}, {"shared", "-rate", "0"}, {"pages", "-store", "paper"}, {"-no-such-flag"}} {
		require.Error(t, run(t.Context(), &strings.Builder{}, args), args)
	}
}

func TestMedian_IsMiddleFigure(t *testing.T) {
	t.Parallel()
	require.InDelta(t, 2.0, median([]float64{3, 1, 2}), 0)
	require.InDelta(t, 2.0, median([]float64{4, 3, 1, 2}), 0)
	costs, err := medianCosts(time.Nanosecond, 2, func(int) error { return nil })
	require.NoError(t, err)
	require.Len(t, costs, 2)
}
