package sqlitestore_test

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/base64"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/seal"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/sqlitestore"
	"github.com/smsplus/smsplus-go/storetest"
)

func TestMain(m *testing.M) {
	runChild() // returns only in the process that is not a child
	goleak.VerifyTestMain(m)
}

// openStore returns a store in a new file, and the file's name.
func openStore(t testing.TB, o sqlitestore.Options) (*sqlitestore.Store, string) {
	path := filepath.Join(t.TempDir(), "messages.db")
	require.NoError(t, sqlitestore.Migrate(t.Context(), path))
	return reopen(t, path, o), path
}

// reopen opens an existing file.
func reopen(t testing.TB, path string, o sqlitestore.Options) *sqlitestore.Store {
	s, err := sqlitestore.Open(t.Context(), path, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// keyOf returns the key of one repeated byte.
func keyOf(b byte) secret.Text {
	return secret.New(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, seal.SecretSize)))
}

// ring returns a ring that seals with the first of the keys and writes hashes of the
// first lookup secret.
func ring(t testing.TB, keys, lookups string) *seal.Ring {
	var c seal.Config
	for _, b := range []byte(keys) {
		c.Keys = append(c.Keys, seal.Key{ID: uint32(b), Secret: keyOf(b)})
	}
	for _, b := range []byte(lookups) {
		c.Lookups = append(c.Lookups, keyOf(b))
	}
	r, err := seal.NewRing(c)
	require.NoError(t, err)
	return r
}

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) smsplus.Store {
		s, path := openStore(t, sqlitestore.Options{Changes: true})
		return damagingStore{s, path, "state = x'01ff'"}
	})
}

// skipInShortMode skips a test whose code short mode runs in another test.
func skipInShortMode(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("runs without -short")
	}
}

// The suite makes every call with every field, so this sees each argument that a sealed
// store may send.
func TestStore_SealedSendsNothingPersonal(t *testing.T) {
	skipInShortMode(t)
	t.Parallel()
	var tap personalTap
	storetest.Run(t, func(t *testing.T) smsplus.Store {
		s, path := tap.open(t, sqlitestore.Options{Sealer: ring(t, "ab", "xy"), ReadConnections: 1})
		return damagingStore{s, path, withdrawKey}
	})
	s, _ := tap.open(t, sqlitestore.Options{Sealer: ring(t, "ab", "xy")})
	_, err := s.Erase(t.Context(), channel.Recipient{Phone: number("+886912345678")})
	require.NoError(t, err)
	require.Positive(t, tap.arguments.Load())
	require.Zero(t, tap.found.Load(), "arguments with a number or a user ID")
}

func TestStore_UnsealedLookupSendsNumber(t *testing.T) {
	t.Parallel()
	var tap personalTap
	s, _ := tap.open(t, sqlitestore.Options{Sealer: ring(t, "a", "x"), Unsealed: true})
	_, err := s.Records(t.Context(), smsplus.Filter{Phone: number("+886912345678")})
	require.NoError(t, err)
	require.EqualValues(t, 1, tap.found.Load(), "the tap finds it")
}

// personalTap counts the arguments of statements, and those with something personal of the
// suite's samples.
type personalTap struct{ arguments, found atomic.Int64 }

func (p *personalTap) see(arg driver.Value) {
	p.arguments.Add(1)
	text, isText := arg.(string)
	if b, ok := arg.([]byte); ok {
		text, isText = string(b), true
	}
	if isText && slices.ContainsFunc(samplePersonal, func(s string) bool { return strings.Contains(text, s) }) {
		p.found.Add(1)
	}
}

// samplePersonal are the numbers, without their country codes, and the user IDs of package
// storetest's messages.
var samplePersonal = []string{"912345678", "223456789", "91234567", "9012345678", "4155550123", "7700900123", "999999999999", "U4af4980629"}

func (p *personalTap) open(t *testing.T, o sqlitestore.Options) (*sqlitestore.Store, string) {
	path := filepath.Join(t.TempDir(), "messages.db")
	require.NoError(t, sqlitestore.Migrate(t.Context(), path))
	s, err := sqlitestore.OpenTapped(t.Context(), path, o, p.see)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s, path
}

// damagingStore is a store that can make a message unreadable.
type damagingStore struct {
	*sqlitestore.Store
	path string
	set  string // the SQL of the damage
}

func (d damagingStore) Damage(ctx context.Context, id uuid.UUID) error {
	return damageMessage(ctx, d.path, d.set, id)
}

// withdrawKey makes what is sealed of a message name a key that no ring has.
const withdrawKey = "fixed = unhex(hex(substr(fixed, 1, 2)) || 'FF' || hex(substr(fixed, 4)))"

// damageMessage changes columns of a message.
func damageMessage(ctx context.Context, path, set string, id uuid.UUID) error {
	db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(10000)")
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "UPDATE smsplus_message SET "+set+" WHERE id = ?", id[:])
	return errors.Join(err, db.Close())
}

func TestStore_ReopenedBetweenCalls(t *testing.T) {
	skipInShortMode(t)
	t.Parallel()
	storetest.Run(t, func(t *testing.T) smsplus.Store {
		path := filepath.Join(t.TempDir(), "messages.db")
		require.NoError(t, sqlitestore.Migrate(t.Context(), path))
		s := &reopeningStore{path: path}
		require.NoError(t, s.open())
		t.Cleanup(func() { require.NoError(t, s.store.Close()) })
		return s
	})
}

// reopeningStore closes and reopens its store after every callsPerOpen calls.
type reopeningStore struct {
	path string

	mu      sync.RWMutex // locked for writing while the store is closed
	store   *sqlitestore.Store
	callsMu sync.Mutex
	calls   int
}

const callsPerOpen = 50

func (r *reopeningStore) open() (err error) {
	r.store, err = sqlitestore.Open(context.Background(), r.path, sqlitestore.Options{ReadConnections: 2})
	return err
}

// callStore makes a call.
func callStore[T any](r *reopeningStore, call func(smsplus.Store) (T, error)) (T, error) {
	r.callsMu.Lock()
	r.calls++
	tired := r.calls%callsPerOpen == 0
	r.callsMu.Unlock()
	if tired {
		if err := r.closeAndOpen(); err != nil {
			var none T
			return none, err
		}
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	return call(r.store)
}

func (r *reopeningStore) closeAndOpen() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.store.Close(); err != nil {
		return err
	}
	return r.open()
}

func callStoreNoResult(r *reopeningStore, call func(smsplus.Store) error) error {
	_, err := callStore(r, func(s smsplus.Store) (struct{}, error) { return struct{}{}, call(s) })
	return err
}

func (r *reopeningStore) Insert(ctx context.Context, ms []smsplus.Message) (map[string]smsplus.Message, error) {
	return callStore(r, func(s smsplus.Store) (map[string]smsplus.Message, error) { return s.Insert(ctx, ms) })
}

func (r *reopeningStore) Claim(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
	return callStore(r, func(s smsplus.Store) (smsplus.Claimed, error) { return s.Claim(ctx, c) })
}

func (r *reopeningStore) Update(ctx context.Context, ms []smsplus.Message) ([]uuid.UUID, error) {
	return callStore(r, func(s smsplus.Store) ([]uuid.UUID, error) { return s.Update(ctx, ms) })
}

func (r *reopeningStore) SetAside(ctx context.Context, rows []smsplus.Unreadable, until time.Time) error {
	return callStoreNoResult(r, func(s smsplus.Store) error { return s.SetAside(ctx, rows, until) })
}

// Damage makes a message unreadable: its route is gone.
func (r *reopeningStore) Damage(ctx context.Context, id uuid.UUID) error {
	return callStoreNoResult(r, func(smsplus.Store) error { return damageMessage(ctx, r.path, "route = 4711", id) })
}

func (r *reopeningStore) Message(ctx context.Context, id uuid.UUID) (smsplus.Message, error) {
	return callStore(r, func(s smsplus.Store) (smsplus.Message, error) { return s.Message(ctx, id) })
}

func (r *reopeningStore) ByProviderID(ctx context.Context, refs []channel.Ref) ([]smsplus.Message, error) {
	return callStore(r, func(s smsplus.Store) ([]smsplus.Message, error) { return s.ByProviderID(ctx, refs) })
}

func (r *reopeningStore) Park(ctx context.Context, rs []channel.Receipt) error {
	return callStoreNoResult(r, func(s smsplus.Store) error { return s.Park(ctx, rs) })
}

func (r *reopeningStore) Parked(ctx context.Context, refs []channel.Ref) ([]channel.Receipt, error) {
	return callStore(r, func(s smsplus.Store) ([]channel.Receipt, error) { return s.Parked(ctx, refs) })
}

func (r *reopeningStore) ListParked(
	ctx context.Context, after string, limit int,
) (rs []channel.Receipt, next string, err error) {
	err = callStoreNoResult(r, func(s smsplus.Store) (err error) {
		rs, next, err = s.ListParked(ctx, after, limit)
		return err
	})
	return rs, next, err
}

func (r *reopeningStore) Unpark(ctx context.Context, refs []channel.Ref) error {
	return callStoreNoResult(r, func(s smsplus.Store) error { return s.Unpark(ctx, refs) })
}

func (r *reopeningStore) Records(ctx context.Context, f smsplus.Filter) (smsplus.Page, error) {
	return callStore(r, func(s smsplus.Store) (smsplus.Page, error) { return s.Records(ctx, f) })
}

func (r *reopeningStore) Stats(ctx context.Context, f smsplus.Filter) ([]smsplus.TemplateStats, error) {
	return callStore(r, func(s smsplus.Store) ([]smsplus.TemplateStats, error) { return s.Stats(ctx, f) })
}

func (r *reopeningStore) StatsBy(ctx context.Context, f smsplus.Filter, g smsplus.Grouping) ([]smsplus.GroupStats, error) {
	return callStore(r, func(s smsplus.Store) ([]smsplus.GroupStats, error) { return s.StatsBy(ctx, f, g) })
}

func (r *reopeningStore) Purge(ctx context.Context, before time.Time, limit int) (int, error) {
	return callStore(r, func(s smsplus.Store) (int, error) { return s.Purge(ctx, before, limit) })
}

func (r *reopeningStore) SetPause(ctx context.Context, p smsplus.Pause) error {
	return callStoreNoResult(r, func(s smsplus.Store) error { return s.SetPause(ctx, p) })
}

func (r *reopeningStore) ClearPause(ctx context.Context, p smsplus.Pause) error {
	return callStoreNoResult(r, func(s smsplus.Store) error { return s.ClearPause(ctx, p) })
}

func (r *reopeningStore) Pauses(ctx context.Context) ([]smsplus.Pause, error) {
	return callStore(r, func(s smsplus.Store) ([]smsplus.Pause, error) { return s.Pauses(ctx) })
}

func (r *reopeningStore) Beat(ctx context.Context, h smsplus.Heartbeat) error {
	return callStoreNoResult(r, func(s smsplus.Store) error { return s.Beat(ctx, h) })
}

func (r *reopeningStore) Heartbeats(ctx context.Context, now time.Time) ([]smsplus.Heartbeat, error) {
	return callStore(r, func(s smsplus.Store) ([]smsplus.Heartbeat, error) { return s.Heartbeats(ctx, now) })
}

func (r *reopeningStore) Backlog(ctx context.Context, now time.Time) ([]smsplus.LaneBacklog, error) {
	return callStore(r, func(s smsplus.Store) ([]smsplus.LaneBacklog, error) { return s.Backlog(ctx, now) })
}

func (r *reopeningStore) Close() error { return r.store.Close() }
