package pgstore_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/pgtest"
	"github.com/smsplus/smsplus-go/pgstore"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/seal"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/status"
	"github.com/smsplus/smsplus-go/storetest"
)

func TestMain(m *testing.M) {
	runChildTask() // does not return in a child process
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		pgtest.Stop()
		os.Exit(code)
	}))
}

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// openStore migrates a schema and returns a store on it.
func openStore(tb testing.TB, pool *pgxpool.Pool, o pgstore.Options) *pgstore.Store {
	tb.Helper()
	require.NoError(tb, pgstore.Migrate(tb.Context(), pool, o))
	s, err := pgstore.New(tb.Context(), pool, o)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, s.Close()) })
	return s
}

// keyOf returns the key that begins with two bytes.
func keyOf(first, second byte) secret.Text {
	key := make([]byte, seal.SecretSize)
	key[0], key[1] = first, second
	return secret.New(base64.StdEncoding.EncodeToString(key))
}

func newRing(tb testing.TB, keys ...uint32) *seal.Ring {
	tb.Helper()
	var c seal.Config
	for _, id := range keys {
		c.Keys = append(c.Keys, seal.Key{ID: id, Secret: keyOf(byte(id), 0)})
		c.Lookups = append(c.Lookups, keyOf(byte(id), 1))
	}
	r, err := seal.NewRing(c)
	require.NoError(tb, err)
	return r
}

func mustPhone(e164 string) phone.Number {
	n, err := phone.Parse(e164)
	if err != nil {
		panic(err)
	}
	return n
}

// suiteSchemas lends schemas to the rules of a suite, with empty tables. To migrate a schema takes
// longer than most rules.
type suiteSchemas struct {
	suite *testing.T
	mu    sync.Mutex
	free  []string
}

// take returns a schema for a rule until its test ends.
func (s *suiteSchemas) take(rule *testing.T) string {
	rule.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var name string
	if n := len(s.free); n > 0 {
		name, s.free = s.free[n-1], s.free[:n-1]
	} else {
		name = pgtest.Schema(s.suite)
	}
	rule.Cleanup(func() {
		pgtest.Exec(s.suite, fmt.Sprintf(`DO $$ BEGIN EXECUTE (
			SELECT 'TRUNCATE ' || string_agg(oid::regclass::text, ', ') FROM pg_class
			WHERE relnamespace = '%s'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND relname <> 'smsplus_migration'
		); END $$`, pgx.Identifier{name}.Sanitize()))
		s.mu.Lock()
		defer s.mu.Unlock()
		s.free = append(s.free, name)
	})
	return name
}

func TestStore_Conforms(t *testing.T) {
	pool, schemas := pgtest.Pool(t, nil), suiteSchemas{suite: t}
	storetest.Run(t, func(t *testing.T) smsplus.Store {
		o := pgstore.Options{Schema: schemas.take(t)}
		return damagingStore{openStore(t, pool, o), pool, o.Schema, damages["from a later release"]}
	})
}

// damagingStore is a store that can make a message unreadable.
type damagingStore struct {
	*pgstore.Store
	pool   *pgxpool.Pool
	schema string
	damage string // as in damages
}

func (s damagingStore) Damage(ctx context.Context, id uuid.UUID) error {
	_, err := s.pool.Exec(ctx, inSchema(s.schema, s.damage), id)
	return err
}

// withdrawKey makes the sealed state of the message with the ID $1 name a key that no ring has.
const withdrawKey = "UPDATE %smsplus_state SET body = set_byte(body, 2, 255) WHERE id = $1"

// foldingStore is a store that folds before it returns statistics.
type foldingStore struct{ damagingStore }

func (s foldingStore) Stats(ctx context.Context, f smsplus.Filter) ([]smsplus.TemplateStats, error) {
	if err := s.Maintain(ctx, noon); err != nil {
		return nil, err
	}
	return s.Store.Stats(ctx, f)
}

func (s foldingStore) StatsBy(ctx context.Context, f smsplus.Filter, g smsplus.Grouping) ([]smsplus.GroupStats, error) {
	if err := s.Maintain(ctx, noon); err != nil {
		return nil, err
	}
	return s.Store.StatsBy(ctx, f, g)
}

// The suite makes every call with every field, so this sees everything that a sealed store
// may send.
func TestStore_ConformsSealedAndFolded(t *testing.T) {
	skipInShortMode(t)
	var tap wireTap
	pool, schemas := pgtest.Pool(t, tap.install), suiteSchemas{suite: t}
	storetest.Run(t, func(t *testing.T) smsplus.Store {
		o := pgstore.Options{Schema: schemas.take(t), Sealer: newRing(t, 2, 1), Changes: true}
		return foldingStore{damagingStore{openStore(t, pool, o), pool, o.Schema, withdrawKey}}
	})
	s := openStore(t, pool, pgstore.Options{Schema: pgtest.Schema(t), Sealer: newRing(t, 2, 1)})
	_, err := s.Erase(t.Context(), channel.Recipient{Phone: mustPhone("+886912345678")})
	require.NoError(t, err)
	require.Positive(t, tap.written.Load())
	require.Zero(t, tap.found.Load(), "a number or a user ID was sent")
}

func TestStore_UnsealedLookupSendsNumber(t *testing.T) {
	t.Parallel()
	var tap wireTap
	s := openStore(t, pgtest.Pool(t, tap.install), pgstore.Options{Schema: pgtest.Schema(t), Sealer: newRing(t, 1), Unsealed: true})
	_, err := s.Records(t.Context(), smsplus.Filter{Phone: mustPhone("+886912345678")})
	require.NoError(t, err)
	require.EqualValues(t, 1, tap.found.Load(), "the tap finds it")
}

// wireTap counts the bytes that connections send to the server, and the writes with something
// personal of the suite's samples.
type wireTap struct{ written, found atomic.Int64 }

// samplePersonal are the numbers, without their country codes, and the user IDs of package
// storetest's messages.
var samplePersonal = []string{"912345678", "223456789", "91234567", "9012345678", "4155550123", "7700900123", "999999999999", "U4af4980629"}

func (w *wireTap) install(c *pgxpool.Config) {
	dial := c.ConnConfig.DialFunc
	c.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		return tappedConn{conn, w}, err
	}
}

type tappedConn struct {
	net.Conn
	tap *wireTap
}

func (c tappedConn) Write(b []byte) (int, error) {
	c.tap.written.Add(int64(len(b)))
	// A regular expression takes seconds for the suite's largest values under the race detector.
	if slices.ContainsFunc(samplePersonal, func(s string) bool { return bytes.Contains(b, []byte(s)) }) {
		c.tap.found.Add(1)
	}
	return c.Conn.Write(b)
}

// skipUnlessRequired skips a suite unless a server is required, as in CI. So the package's
// tests stay short for a developer.
func skipUnlessRequired(t *testing.T) {
	t.Helper()
	skipInShortMode(t)
	if os.Getenv(pgtest.Required) == "" {
		t.Skip(pgtest.Required + "=required runs it")
	}
}

// skipInShortMode skips a test whose code short mode runs in another test.
func skipInShortMode(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("runs without -short")
	}
}

func TestStore_ConformsSerializable(t *testing.T) {
	skipUnlessRequired(t)
	pool := pgtest.Pool(t, func(c *pgxpool.Config) {
		c.ConnConfig.RuntimeParams["default_transaction_isolation"] = "serializable"
	})
	schemas := suiteSchemas{suite: t}
	storetest.Run(t, func(t *testing.T) smsplus.Store {
		return openStore(t, pool, pgstore.Options{Schema: schemas.take(t)})
	})
}

// Behind a pooler that assigns connections for each transaction, connections must not
// prepare statements.
func TestStore_ConformsWithoutPreparedStatements(t *testing.T) {
	skipUnlessRequired(t)
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol} {
		t.Run(mode.String(), func(t *testing.T) {
			pool := pgtest.Pool(t, func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = mode })
			schemas := suiteSchemas{suite: t}
			storetest.Run(t, func(t *testing.T) smsplus.Store {
				return openStore(t, pool, pgstore.Options{Schema: schemas.take(t)})
			})
		})
	}
}

// fullMessage returns the nth message, with personal data in all fields that may have it.
func fullMessage(n int) smsplus.Message {
	id := uuid.NewSHA1(uuid.Nil, fmt.Append(nil, n))
	at := noon.Add(time.Duration(n) * time.Minute)
	return smsplus.Message{
		ID: id, Key: fmt.Sprintf("order/%d", n), Template: "otp", Scenario: "OTP",
		To:   channel.Recipient{Phone: mustPhone("+886912345678"), IDs: map[channel.Name]string{channel.LINEPush: "U4af4980629"}},
		Vars: map[string]string{"code": "s3cr3t"}, Metadata: map[string]string{"order": "A-17-s3cr3t"},
		Plan: []smsplus.PlannedStep{{Channel: channel.SMS, Wait: time.Hour}},
		Attempts: []smsplus.Attempt{{
			ID: smsplus.AttemptID(id, 0), Channel: channel.SMS, Status: status.Undeliverable, Reason: status.CarrierError,
			Detail: "30005: no s3cr3t handset", ProviderID: fmt.Sprintf("SM-s3cr3t-%d", n), Tries: 1, StartedAt: at, EndedAt: at,
		}},
		Status: status.Undeliverable, Channel: channel.SMS, TriggeredAt: at, Version: 1,
	}
}

// secrets are the personal data in a fullMessage and its receipts.
var secrets = []string{"912345678", "U4af4980629", "s3cr3t"}

func receiptFor(m smsplus.Message) channel.Receipt {
	return channel.Receipt{
		Channel: channel.SMS, ProviderID: m.Attempts[0].ProviderID, Status: status.Delivered, Detail: "s3cr3t", At: noon,
	}
}

func insertAll(tb testing.TB, s smsplus.Store, ms ...smsplus.Message) {
	tb.Helper()
	taken, err := s.Insert(tb.Context(), ms)
	require.NoError(tb, err)
	require.Empty(tb, taken)
}

// dbName returns the quoted name of a table.
func dbName(schema, table string) string { return pgx.Identifier{schema, table}.Sanitize() }

// inSchema returns SQL with the schema in place of each %.
func inSchema(schema, sql string) string {
	return strings.ReplaceAll(sql, "%", pgx.Identifier{schema}.Sanitize()+".")
}

// execIn executes a statement in which % before a name stands for the schema and a dot.
func execIn(t *testing.T, pool *pgxpool.Pool, schema, sql string, args ...any) {
	t.Helper()
	_, err := pool.Exec(t.Context(), inSchema(schema, sql), args...)
	require.NoError(t, err)
}

// dumpRows returns all rows of a schema as text, with bytes as they are.
func dumpRows(tb testing.TB, pool *pgxpool.Pool, schema string) string {
	tb.Helper()
	var all strings.Builder
	for _, table := range []string{"message", "state", "attempt", "route", "parked", "delta", "total", "lease", "pause", "heartbeat", "set_aside", "migration", "sheet"} {
		rows, err := pool.Query(tb.Context(), "SELECT * FROM "+pgx.Identifier{schema, "smsplus_" + table}.Sanitize())
		require.NoError(tb, err)
		for rows.Next() {
			values, err := rows.Values()
			require.NoError(tb, err)
			for _, v := range values {
				fmt.Fprintf(&all, "%s %v\n", v, v)
			}
		}
		require.NoError(tb, rows.Err())
	}
	return all.String()
}

// requireWritesWork inserts messages, inserts one of them again, and updates one twice.
func requireWritesWork(t *testing.T, s *pgstore.Store) {
	t.Helper()
	m := claimedMessage(1)
	m.Key, m.Vars = `a "key" \`, map[string]string{"name": `"é", (\)`}
	insertAll(t, s, m, fullMessage(2))
	taken, err := s.Insert(t.Context(), []smsplus.Message{m})
	require.NoError(t, err)
	require.Equal(t, map[string]smsplus.Message{m.Key: m}, taken)
	setDelivered(&m, 1)
	m.Claims = 0
	for range 2 {
		stale, err := s.Update(t.Context(), []smsplus.Message{m})
		require.NoError(t, err)
		require.Empty(t, stale)
		m.Version++
	}
	stale, err := s.Update(t.Context(), []smsplus.Message{fullMessage(3), m, fullMessage(2)})
	require.NoError(t, err)
	require.Equal(t, []uuid.UUID{fullMessage(3).ID}, stale)
	m.Version++
	other := fullMessage(2)
	other.Version++
	for _, want := range []smsplus.Message{m, other} {
		have, err := s.Message(t.Context(), want.ID)
		require.NoError(t, err)
		require.Equal(t, want, have)
	}
	stats, err := s.Stats(t.Context(), smsplus.Filter{Channel: channel.LINEPush})
	require.NoError(t, err)
	require.Len(t, stats, 1)
	require.Equal(t, 1, stats[0].Delivered)
}

// No dispatcher creates such a message, but a store accepts any time.
func TestInsert_AcceptsZeroTriggerTime(t *testing.T) {
	t.Parallel()
	s := openStore(t, pgtest.Pool(t, nil), pgstore.Options{Schema: pgtest.Schema(t)})
	m := fullMessage(1)
	m.TriggeredAt = time.Time{}
	insertAll(t, s, m)
	have, err := s.Message(t.Context(), m.ID)
	require.NoError(t, err)
	require.Equal(t, m, have)
}

func TestStore_WorksInEveryQueryMode(t *testing.T) {
	t.Parallel()
	for _, mode := range []pgx.QueryExecMode{
		pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec,
		pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
	} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			pool := pgtest.Pool(t, func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = mode })
			requireWritesWork(t, openStore(t, pool, pgstore.Options{Schema: pgtest.Schema(t)}))
		})
	}
}

// The types have other OIDs after a database was replaced by a restored one, for example
// for an upgrade.
func TestCompositeTypes_MayChangeOIDs(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, nil)
	o := pgstore.Options{Schema: pgtest.Schema(t)}
	s := openStore(t, pool, o)
	insertAll(t, s, claimedMessage(0))
	sql, err := pgstore.MigrationSQL(1, o)
	require.NoError(t, err)
	types := regexp.MustCompile(`(?s)CREATE TYPE (.*?) AS .*?\);`).FindAllStringSubmatch(sql, -1)
	require.Len(t, types, strings.Count(sql, "CREATE TYPE"))
	for _, created := range types {
		pgtest.Exec(t, "DROP TYPE "+created[1], created[0])
	}
	pool.Reset()
	requireWritesWork(t, s)
}

func TestSealer_LeavesNoPersonalDataInTables(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, nil)
	for _, sealed := range []bool{false, true} {
		o := pgstore.Options{Schema: pgtest.Schema(t)}
		if sealed {
			o.Sealer = newRing(t, 1)
		}
		s := openStore(t, pool, o)
		insertAll(t, s, fullMessage(1))
		m := fullMessage(1)
		m.Attempts[0].ProviderID += "again"
		_, err := s.Update(t.Context(), []smsplus.Message{m})
		require.NoError(t, err)
		require.NoError(t, s.Park(t.Context(), []channel.Receipt{receiptFor(fullMessage(2))}))
		all := dumpRows(t, pool, o.Schema)
		for _, secret := range secrets {
			require.Equal(t, !sealed, strings.Contains(all, secret), "sealed %v, %q", sealed, secret)
		}
		require.Contains(t, all, "886", "a country is no person")
	}
}

func TestSealer_FindsPersonUnderOlderKeys(t *testing.T) {
	t.Parallel()
	pool, schema := pgtest.Pool(t, nil), pgtest.Schema(t)
	var s *pgstore.Store
	for n, sealer := range []seal.Sealer{nil, newRing(t, 1), newRing(t, 2, 1)} {
		s = openStore(t, pool, pgstore.Options{Schema: schema, Sealer: sealer, Unsealed: n > 0})
		insertAll(t, s, fullMessage(n))
	}
	page, err := s.Records(t.Context(), smsplus.Filter{Phone: fullMessage(0).To.Phone})
	require.NoError(t, err)
	require.Len(t, page.Messages, 3)
	for i, m := range page.Messages {
		require.Equal(t, fullMessage(2-i), m)
		found, err := s.ByProviderID(t.Context(), []channel.Ref{receiptFor(m).Ref()})
		require.NoError(t, err)
		require.Len(t, found, 1)
	}

	s = openStore(t, pool, pgstore.Options{Schema: schema, Sealer: newRing(t, 2)})
	_, err = s.Message(t.Context(), fullMessage(1).ID)
	require.ErrorIs(t, err, seal.ErrKey, "a record whose key is gone is no record with holes in it")
}

// A message that is not sealed can be forged by anyone with access to the tables.
func TestSealer_RefusesUnsealedMessages(t *testing.T) {
	t.Parallel()
	pool, schema := pgtest.Pool(t, nil), pgtest.Schema(t)
	m := fullMessage(1)
	before := openStore(t, pool, pgstore.Options{Schema: schema})
	insertAll(t, before, m)
	require.NoError(t, before.Park(t.Context(), []channel.Receipt{receiptFor(m)}))

	s := openStore(t, pool, pgstore.Options{Schema: schema, Sealer: newRing(t, 1)})
	_, err := s.Message(t.Context(), m.ID)
	require.ErrorIs(t, err, smsplus.ErrUnreadable)
	require.ErrorContains(t, err, "not sealed, and Options.Unsealed is not set")
	page, err := s.Records(t.Context(), smsplus.Filter{})
	require.NoError(t, err)
	require.Empty(t, page.Messages)
	require.Equal(t, m.ID, page.Unreadable[0].ID, "it is named by its ID")
	page, err = s.Records(t.Context(), smsplus.Filter{Phone: m.To.Phone})
	require.NoError(t, err)
	require.Empty(t, page.Unreadable, "nothing asks for the plain number")
	rs, err := s.Parked(t.Context(), []channel.Ref{receiptFor(m).Ref()})
	require.NoError(t, err)
	require.Empty(t, rs)

	s = openStore(t, pool, pgstore.Options{Schema: schema, Sealer: newRing(t, 1), Unsealed: true})
	page, err = s.Records(t.Context(), smsplus.Filter{Phone: m.To.Phone})
	require.NoError(t, err)
	require.Equal(t, []smsplus.Message{m}, page.Messages)
	rs, err = s.Parked(t.Context(), []channel.Ref{receiptFor(m).Ref()})
	require.NoError(t, err)
	require.Equal(t, []channel.Receipt{receiptFor(m)}, rs)
}

func TestErrors_QuoteNoValues(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, nil)
	o := pgstore.Options{Schema: pgtest.Schema(t)}
	s := openStore(t, pool, o)
	insertAll(t, s, fullMessage(1))
	twin := fullMessage(2)
	twin.ID = fullMessage(1).ID
	_, err := s.Insert(t.Context(), []smsplus.Message{twin})
	require.ErrorContains(t, err, "duplicate key", "an ID that is there already")
	errs := []error{err}

	// Rows that violate a constraint: PostgreSQL quotes their values.
	pgtest.Exec(t,
		"ALTER TABLE "+pgx.Identifier{o.Schema, "smsplus_message"}.Sanitize()+" ADD CHECK (template <> 'otp') NOT VALID",
		"ALTER TABLE "+pgx.Identifier{o.Schema, "smsplus_state"}.Sanitize()+" ADD CHECK (template <> 'otp') NOT VALID",
		"ALTER TABLE "+pgx.Identifier{o.Schema, "smsplus_parked"}.Sanitize()+" ADD CHECK (ref IS NULL)")
	_, err = s.Insert(t.Context(), []smsplus.Message{fullMessage(3)})
	errs = append(errs, err)
	_, err = s.Update(t.Context(), []smsplus.Message{fullMessage(1)})
	errs = append(errs, err)
	_, err = s.Erase(t.Context(), fullMessage(1).To)
	errs = append(errs, err, s.Park(t.Context(), []channel.Receipt{receiptFor(fullMessage(4))}))

	// A composite type that no longer fits, in the binary format and as text.
	pgtest.Exec(t, "ALTER TYPE "+pgx.Identifier{o.Schema, "smsplus_new_message_6"}.Sanitize()+" ADD ATTRIBUTE more text")
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeExec} {
		pool := pgtest.Pool(t, func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = mode })
		_, err = openStore(t, pool, o).Insert(t.Context(), []smsplus.Message{fullMessage(5)})
		errs = append(errs, err)
	}
	for _, err := range errs {
		require.Error(t, err)
		for _, text := range append([]string{"order/", "otp"}, secrets...) {
			require.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), text)
		}
	}
}

func TestErase_RemovesPersonAndKeepsCounts(t *testing.T) {
	t.Parallel()
	for n, sealer := range []seal.Sealer{nil, newRing(t, 1), nil} {
		pool, schema := pgtest.Pool(t, nil), pgtest.Schema(t)
		s := openStore(t, pool, pgstore.Options{Schema: schema, Sealer: sealer, PartitionByMonth: n == 2})
		require.NoError(t, s.Maintain(t.Context(), noon))
		other, open := fullMessage(1), fullMessage(2)
		other.To = channel.Recipient{Phone: mustPhone("+886900000000")}
		open.DueAt = noon
		insertAll(t, s, fullMessage(0), other, open, fullMessage(3))
		parked := receiptFor(fullMessage(3))
		require.NoError(t, s.Park(t.Context(), []channel.Receipt{parked}))
		before, err := s.Stats(t.Context(), smsplus.Filter{})
		require.NoError(t, err)

		n, err := s.Erase(t.Context(), channel.Recipient{Phone: fullMessage(0).To.Phone})
		require.ErrorIs(t, err, smsplus.ErrNotFinal, "a message that has not ended stays")
		require.Equal(t, 2, n)
		found, err := s.Records(t.Context(), smsplus.Filter{Phone: fullMessage(0).To.Phone})
		require.NoError(t, err)
		require.Equal(t, []smsplus.Message{open}, found.Messages)
		stale, err := s.Update(t.Context(), []smsplus.Message{fullMessage(0)})
		require.NoError(t, err)
		require.Len(t, stale, 1, "a caller that read it before cannot write it back")

		open.DueAt = time.Time{}
		_, err = s.Update(t.Context(), []smsplus.Message{open})
		require.NoError(t, err)
		n, err = s.Erase(t.Context(), channel.Recipient{Phone: fullMessage(0).To.Phone})
		require.NoError(t, err)
		require.Equal(t, 1, n)
		n, err = s.Erase(t.Context(), channel.Recipient{Phone: fullMessage(0).To.Phone})
		require.NoError(t, err)
		require.Zero(t, n)

		m, err := s.Message(t.Context(), fullMessage(0).ID)
		require.NoError(t, err)
		want := fullMessage(0)
		want.To, want.Vars, want.Metadata, want.Version = channel.Recipient{}, nil, nil, 2
		want.Attempts[0].Detail, want.Attempts[0].ProviderID = "", ""
		require.Equal(t, want, m)
		ms, err := s.ByProviderID(t.Context(), []channel.Ref{receiptFor(fullMessage(0)).Ref()})
		require.NoError(t, err)
		require.Empty(t, ms)
		rs, err := s.Parked(t.Context(), []channel.Ref{parked.Ref()})
		require.NoError(t, err)
		require.Empty(t, rs)
		after, err := s.Stats(t.Context(), smsplus.Filter{})
		require.NoError(t, err)
		require.Equal(t, before, after)
		m, err = s.Message(t.Context(), other.ID)
		require.NoError(t, err)
		require.Equal(t, other, m, "another person's stays")

		other.To, other.Vars, other.Metadata, other.Attempts = channel.Recipient{}, nil, nil, nil
		_, err = s.Update(t.Context(), []smsplus.Message{other})
		require.NoError(t, err)
		_, err = s.Purge(t.Context(), other.TriggeredAt.Add(time.Microsecond), 10)
		require.NoError(t, err)
		all := dumpRows(t, pool, schema)
		for _, secret := range secrets {
			require.NotContains(t, all, secret)
		}
	}
}

func TestTimeout_BoundsCallsWithoutDeadline(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, func(c *pgxpool.Config) { c.MaxConns = 1 })
	o := pgstore.Options{Schema: pgtest.Schema(t), Timeout: 100 * time.Millisecond}
	s := openStore(t, pool, o)
	insertAll(t, s, fullMessage(1))

	conn, err := pool.Acquire(t.Context())
	require.NoError(t, err)
	_, err = s.Message(context.Background(), fullMessage(1).ID)
	require.ErrorIs(t, err, context.DeadlineExceeded, "no connection is free")
	conn.Release()

	tx := beginTx(t, pgtest.Pool(t, nil), pgx.TxOptions{})
	_, err = tx.Exec(t.Context(), "SELECT FROM "+pgx.Identifier{o.Schema, "smsplus_state"}.Sanitize()+" FOR UPDATE")
	require.NoError(t, err)
	_, err = s.Update(context.Background(), []smsplus.Message{fullMessage(1)})
	require.ErrorIs(t, err, context.DeadlineExceeded, "a row is held")
}

func TestTimeout_OfTheServerIsADeadline(t *testing.T) {
	t.Parallel()
	schema := pgtest.Schema(t)
	s := openStore(t, pgtest.Pool(t, nil), pgstore.Options{Schema: schema})
	insertAll(t, s, fullMessage(1))
	pool := pgtest.Pool(t, func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams["statement_timeout"] = "100" })
	hasty, err := pgstore.New(t.Context(), pool, pgstore.Options{Schema: schema})
	require.NoError(t, err)
	defer hasty.Close() //nolint:errcheck // it returns none
	tx := beginTx(t, pgtest.Pool(t, nil), pgx.TxOptions{})
	_, err = tx.Exec(t.Context(), "LOCK TABLE "+pgx.Identifier{schema, "smsplus_state"}.Sanitize())
	require.NoError(t, err)
	f := smsplus.Filter{From: noon}
	for name, call := range map[string]func() error{
		"Message": func() error { _, err := hasty.Message(t.Context(), fullMessage(1).ID); return err },
		"Records": func() error { _, err := hasty.Records(t.Context(), f); return err },
		"Stats":   func() error { _, err := hasty.Stats(t.Context(), f); return err },
		"StatsBy": func() error { _, err := hasty.StatsBy(t.Context(), f, smsplus.Grouping{}); return err },
	} {
		require.ErrorIs(t, call(), context.DeadlineExceeded, name)
	}
}
