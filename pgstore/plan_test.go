package pgstore_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/pgtest"
	"github.com/smsplus/smsplus-go/pgstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
)

// recordingTracer records the statements that a pool executes, and their errors.
type recordingTracer struct {
	mu         sync.Mutex
	statements []pgx.TraceQueryStartData
	errors     []error
}

func (r *recordingTracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.statements = append(r.statements, data)
	return ctx
}

func (r *recordingTracer) TraceQueryEnd(_ context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if data.Err != nil {
		r.errors = append(r.errors, data.Err)
	}
}

func (r *recordingTracer) take() []pgx.TraceQueryStartData {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.statements
	r.statements = nil
	return taken
}

// explain returns the plans of statements.
func explain(t *testing.T, statements []pgx.TraceQueryStartData) string {
	t.Helper()
	tx := beginTx(t, pgtest.Pool(t, nil), pgx.TxOptions{})
	var plans strings.Builder
	for _, st := range statements {
		switch word, _, _ := strings.Cut(st.SQL, " "); word {
		case "begin", "commit", "savepoint", "LOCK":
			continue
		case "SET":
			_, err := tx.Exec(t.Context(), st.SQL)
			require.NoError(t, err)
			continue
		}
		rows, err := tx.Query(t.Context(), "EXPLAIN "+st.SQL, st.Args...)
		require.NoError(t, err)
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		fmt.Fprintln(&plans, strings.Join(lines, "\n"))
	}
	require.NoError(t, tx.Rollback(t.Context()))
	return plans.String()
}

// wholeTableScan matches a step of a plan that reads a whole table that grows, or a whole
// partition that has many messages.
var wholeTableScan = regexp.MustCompile(`Seq Scan on (smsplus_(parked|total|key|((message|state|attempt)(_2026_0[123])?)))( |$)`)

func TestPlan_NoCallReadsWholeTable(t *testing.T) {
	t.Parallel()
	requireNoWholeTableScans(t, func(pool *pgxpool.Pool, o pgstore.Options) *pgstore.Store { return openStore(t, pool, o) })
}

func requireNoWholeTableScans(t *testing.T, open func(*pgxpool.Pool, pgstore.Options) *pgstore.Store) {
	const n = 8_000
	schema := pgtest.Schema(t)
	var seen recordingTracer
	s := open(pgtest.Pool(t, func(c *pgxpool.Config) { c.ConnConfig.Tracer = &seen }), pgstore.Options{Schema: schema})
	ctx := t.Context()
	var receipts []channel.Receipt
	var refs []channel.Ref
	for i := range n {
		r := receiptFor(fullMessage(i))
		r.ProviderID += " parked"
		receipts, refs = append(receipts, r), append(refs, r.Ref())
	}
	require.NoError(t, s.Park(ctx, receipts))
	fillQuarter(t, s, schema, n)
	keeper, err := pgstore.New(ctx, pgtest.Pool(t, nil), pgstore.Options{Schema: schema})
	require.NoError(t, err)
	defer keeper.Close()                                                  //nolint:errcheck // it returns none
	require.NoError(t, keeper.Maintain(ctx, quarterStart.Add(2*quarter))) // keeps the lease, so that a claim starts no fold

	// records and stats return calls for the table below. Each call has the index that its
	// plan must use.
	records := func(f smsplus.Filter) func() error {
		f.Limit = 14 // with what shows the next page, 16
		return func() error { _, err := s.Records(ctx, f); return err }
	}
	stats := func(f smsplus.Filter) func() error {
		return func() error { _, err := s.Stats(ctx, f); return err }
	}
	statsBy := func(f smsplus.Filter) func() error {
		return func() error {
			_, err := s.StatsBy(ctx, f, smsplus.Grouping{By: smsplus.ByDay | smsplus.ByChannel})
			return err
		}
	}
	var claimed smsplus.Claimed
	for _, call := range []struct {
		name, index string
		make        func() error
	}{
		{"Insert", "smsplus_message_key", func() error { _, err := s.Insert(ctx, []smsplus.Message{fullMessage(1), fullMessage(2)}); return err }},
		{"Claim", "smsplus_state_due", func() (err error) {
			claimed, err = s.Claim(ctx, smsplus.Claim{
				Now: quarterStart.Add(2 * quarter), Lease: time.Minute, Limit: 16, Holder: 1, Only: []channel.Name{channel.LINEPush, ""},
			})
			return err
		}},
		{"Update", "smsplus_state_pkey", func() error { _, err := s.Update(ctx, claimed.Messages); return err }},
		{"Message", "smsplus_state_pkey", func() error { _, err := s.Message(ctx, pastMessage(1, n).ID); return err }},
		{"ByProviderID", "smsplus_attempt_name", func() error {
			_, err := s.ByProviderID(ctx, []channel.Ref{{Channel: channel.SMS, ProviderID: pastMessage(1, n).Attempts[1].ProviderID}})
			return err
		}},
		{"Backlog", "smsplus_state_due", func() error { _, err := s.Backlog(ctx, quarterStart.Add(2*quarter)); return err }},
		{"Parked", "smsplus_parked_pkey", func() error { _, err := s.Parked(ctx, refs[:9]); return err }},
		{"Unpark", "smsplus_parked_pkey", func() error { return s.Unpark(ctx, refs[:9]) }},
		{"Purge", "smsplus_message_pkey", func() error { _, err := s.Purge(ctx, quarterStart.Add(quarter), 16); return err }},
		{"Erase", "smsplus_message_phone", func() error { _, err := s.Erase(ctx, pastMessage(7, n).To); return err }},
		{"Erase by ID", "smsplus_message_recipient", func() error {
			_, err := s.Erase(ctx, channel.Recipient{IDs: map[channel.Name]string{"chat": pastID(7)}})
			return err
		}},

		{"all records", "smsplus_message_pkey", records(smsplus.Filter{})},
		{"records of a range", "smsplus_message_pkey", records(smsplus.Filter{From: quarterStart.Add(quarter / 3), To: quarterStart.Add(quarter / 2)})},
		{"records of a template", "smsplus_message_template", records(smsplus.Filter{Template: "template-07"})},
		{"records of a phone", "smsplus_message_phone", records(smsplus.Filter{Phone: pastMessage(7, n).To.Phone})},
		{"records of a key", "smsplus_message_key", records(smsplus.Filter{Key: fullMessage(1).Key})},
		{"records of an ID", "smsplus_message_recipient", records(smsplus.Filter{RecipientID: pastID(11)})},
		{"records of an ID in a tab", "smsplus_message_recipient", records(smsplus.Filter{RecipientID: pastID(11), Group: status.Sent, From: quarterStart})},
		{"records of a reference", "smsplus_message_reference", records(smsplus.Filter{Reference: "batch/7"})},
		{"records of a reference in a tab", "smsplus_message_reference", records(smsplus.Filter{Reference: "batch/7", Group: status.Sent, From: quarterStart})},
		{"records of a scenario", "smsplus_message_pkey", records(smsplus.Filter{Scenario: "OTP"})},
		{"records of a reason", "smsplus_state_reason", records(smsplus.Filter{Reason: status.Blocked, From: quarterStart})},
		{"records of a reason on a channel and a template", "smsplus_state_reason", records(smsplus.Filter{Reason: status.Blocked, Channel: channel.LINEPush, Template: "template-07"})},
		{"records of a provider's ID", "smsplus_attempt_name", records(smsplus.Filter{ProviderID: pastMessage(1, n).Attempts[1].ProviderID})},
		{"records of a provider's ID on a channel", "smsplus_attempt_name", records(smsplus.Filter{ProviderID: pastMessage(1, n).Attempts[1].ProviderID, Channel: channel.SMS, Group: status.Sent})},
		{"records of a country", "smsplus_message_country", records(smsplus.Filter{CountryCode: "81"})},
		{"records of a tab", "smsplus_state_tab", records(smsplus.Filter{Group: status.FailedGroup})},
		{"records of a channel", "smsplus_attempt_pkey", records(smsplus.Filter{Channel: channel.SMS})},
		{"records of a template in a tab", "smsplus_state_tab", records(smsplus.Filter{Template: "template-07", Group: status.FailedGroup})},
		{"records of a channel and a template", "smsplus_message_template", records(smsplus.Filter{Template: "template-07", Channel: channel.SMS})},

		{"statistics", "smsplus_total_pkey", stats(smsplus.Filter{From: quarterStart.Add(time.Minute), To: quarterStart.Add(quarter / 2)})},
		{"statistics of a channel", "smsplus_state_tab", stats(smsplus.Filter{From: quarterStart.Add(time.Minute), To: quarterStart.Add(quarter / 2), Channel: channel.SMS})},
		{"grouped statistics", "smsplus_message_pkey", statsBy(smsplus.Filter{From: quarterStart.Add(time.Minute), To: quarterStart.Add(quarter / 2)})},
		{"grouped statistics of stored counts", "smsplus_sheet_pkey", statsBy(smsplus.Filter{From: quarterStart, To: quarterStart.Add(quarter / 2)})},
		{"statistics of a key", "smsplus_message_key", stats(smsplus.Filter{Key: fullMessage(1).Key})},
		{"statistics of a phone", "smsplus_message_phone", stats(smsplus.Filter{Phone: pastMessage(7, n).To.Phone})},
		{"statistics of a reference", "smsplus_message_reference", stats(smsplus.Filter{Reference: "batch/7"})},
		{"statistics of a reason", "smsplus_state_reason", stats(smsplus.Filter{Reason: status.Blocked, Channel: channel.LINEPush, From: quarterStart, To: quarterStart.Add(quarter / 30)})},
		{"statistics of a provider's ID", "smsplus_attempt_name", stats(smsplus.Filter{ProviderID: pastMessage(1, n).Attempts[1].ProviderID})},
		{"statistics of an ID", "smsplus_message_recipient", stats(smsplus.Filter{RecipientID: pastID(11), Group: status.Sent})},
	} {
		seen.take()
		require.NoError(t, call.make(), call.name)
		plan := explain(t, seen.take())
		require.NotRegexp(t, wholeTableScan, plan, call.name)
		require.Regexp(t, indexPattern(call.index), plan, call.name)
	}
}

// indexPattern matches an index, and the names that PostgreSQL gives it in partitions.
func indexPattern(index string) *regexp.Regexp {
	parts := strings.SplitN(index, "_", 3)
	ofMonth, ok := map[string]string{
		"key": "key", "pkey": "pkey", "due": "lane_due_at_idx", "tab": "tab_triggered_at_id_idx", "name": "name_idx",
		"phone": "phone_triggered_at_idx", "recipient": "recipient_ids_idx", "reference": "reference_triggered_at_id_idx", "reason": "triggered_at_id_idx", "template": "template_triggered_at_id_idx", "country": "country_triggered_at_id_idx",
	}[parts[2]]
	if parts[2] == "key" {
		return regexp.MustCompile(index + "|smsplus_key_pkey")
	}
	if !ok {
		return regexp.MustCompile(index)
	}
	return regexp.MustCompile(index + `|smsplus_` + parts[1] + `_2026_\d\d_` + ofMonth)
}

// The planner has old statistics of a table that has just grown. It must not read and sort
// all due messages for a claim of some.
func TestClaim_ReadsOnlyItsShareOfBacklog(t *testing.T) {
	t.Parallel()
	schema := pgtest.Schema(t)
	var seen recordingTracer
	s := openStore(t, pgtest.Pool(t, func(c *pgxpool.Config) { c.ConnConfig.Tracer = &seen }), pgstore.Options{Schema: schema})
	pgtest.Exec(t, "ALTER TABLE "+pgx.Identifier{schema, "smsplus_state"}.Sanitize()+" SET (autovacuum_enabled = false)")
	for i := range 40 {
		insertAll(t, s, claimedBatch(i)...)
	}
	seen.take()
	claimed, err := s.Claim(t.Context(), smsplus.Claim{Now: quarterStart.Add(quarter), Lease: time.Minute, Limit: batch, Holder: 1, Only: []channel.Name{channel.LINEPush}})
	require.NoError(t, err)
	require.Len(t, claimed.Messages, batch)
	claim := seen.take()[0]
	planned := func() (plan string, cost float64) {
		rows, err := pgtest.Pool(t, nil).Query(t.Context(), "EXPLAIN "+claim.SQL, claim.Args...)
		require.NoError(t, err)
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		_, after, _ := strings.Cut(lines[0], "..")
		before, _, _ := strings.Cut(after, " ")
		cost, err = strconv.ParseFloat(before, 64)
		require.NoError(t, err)
		return strings.Join(lines, "\n"), cost
	}
	plan, _ := planned()
	require.Contains(t, plan, "Index Scan using smsplus_state_due")
	require.NotContains(t, plan, "Bitmap Index Scan on smsplus_state_due")

	// With current statistics, the estimated cost must not grow with the backlog either.
	// PostgreSQL compiles (JIT) an expensive plan on each execution, which takes longer than
	// the claim.
	analyze := func() { pgtest.Exec(t, "ANALYZE "+pgx.Identifier{schema, "smsplus_state"}.Sanitize()) }
	analyze()
	_, cost := planned()
	for i := range 120 {
		insertAll(t, s, claimedBatch(40+i)...)
	}
	analyze()
	plan, quadruple := planned()
	require.Less(t, quadruple, 1.5*cost, plan)
}

// A plan that was made for empty or small tables is kept until they are next analyzed,
// however large they have become by then.
func TestPlan_UsesIndexesAfterTablesGrow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		few     int
		monthly bool
	}{{0, false}, {4 * batch, false}, {0, true}, {4 * batch, true}} {
		ctx := t.Context()
		schema := pgtest.Schema(t)
		var seen recordingTracer
		pool := pgtest.Pool(t, func(c *pgxpool.Config) {
			c.ConnConfig.Tracer = &seen
			c.MaxConns = 1
		})
		s := openStore(t, pool, pgstore.Options{Schema: schema, PartitionByMonth: tt.monthly})
		if tt.few > 0 {
			var ms []smsplus.Message
			for i := range tt.few / batch {
				ms = append(ms, claimedBatch(1+i)...)
			}
			for i := range tt.few / 2 {
				setDelivered(&ms[i], i)
			}
			insertAll(t, s, ms...)
			for _, table := range []string{"message", "state", "attempt"} {
				pgtest.Exec(t, "VACUUM ANALYZE "+pgx.Identifier{schema, "smsplus_" + table}.Sanitize())
			}
		}
		_, err := pool.Exec(ctx, "SET plan_cache_mode = force_generic_plan")
		require.NoError(t, err)
		for name, call := range map[string]func() error{
			"claim": func() error {
				_, err := s.Claim(ctx, smsplus.Claim{Now: quarterStart, Lease: time.Minute, Limit: batch, Holder: 1, Only: []channel.Name{channel.LINEPush}})
				return err
			},
			"update": func() error { _, err := s.Update(ctx, claimedBatch(0)[:1]); return err },
			"insert": func() error {
				m := claimedMessage(0)
				m.Key = "order/1"
				_, err := s.Insert(ctx, []smsplus.Message{m})
				return err
			},
		} {
			seen.take()
			require.NoError(t, call())
			statements := seen.take() // a claim may start maintenance in the background
			st := statements[slices.IndexFunc(statements, func(st pgx.TraceQueryStartData) bool { return strings.HasPrefix(st.SQL, "WITH") })]
			_, err := pool.Exec(ctx, "PREPARE "+name+" AS "+st.SQL)
			require.NoError(t, err)
			rows, err := pool.Query(ctx, "EXPLAIN EXECUTE "+name+" ("+strings.Repeat("NULL, ", len(st.Args)-1)+"NULL)", pgx.QueryExecModeSimpleProtocol)
			require.NoError(t, err)
			lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
			require.NoError(t, err)
			require.NotRegexp(t, wholeTableScan, strings.Join(lines, "\n"), "%s with %d messages there", name, tt.few)
		}
	}
}
