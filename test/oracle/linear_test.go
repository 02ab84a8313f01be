package oracle

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/smsplus/smsplus-go/channel"
	"github.com/smsplus/smsplus-go/internal/pgtest"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/pgstore"
	"github.com/smsplus/smsplus-go/phone"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/sqlitestore"
)

func TestMain(m *testing.M) {
	code := m.Run()
	pgtest.Stop()
	os.Exit(code)
}

// stores holds a func for each of the module's stores that opens an empty one.
var stores = map[string]func(t *testing.T) smsplus.Store{
	"memstore": func(*testing.T) smsplus.Store { return memstore.New() },
	"sqlitestore": func(t *testing.T) smsplus.Store {
		path := filepath.Join(t.TempDir(), "messages.db")
		require.NoError(t, sqlitestore.Migrate(t.Context(), path))
		s, err := sqlitestore.Open(t.Context(), path, sqlitestore.Options{})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		return s
	},
	"pgstore": func(t *testing.T) smsplus.Store {
		pool, o := pgtest.Pool(t, nil), pgstore.Options{Schema: pgtest.Schema(t)}
		require.NoError(t, pgstore.Migrate(t.Context(), pool, o))
		s, err := pgstore.New(t.Context(), pool, o)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		return s
	},
}

// operation is one call's effect on one key, with its result.
type operation struct {
	call    string // insert, claim, update or read
	id      uuid.UUID
	now     time.Time // claim: the time
	message row       // insert and update: the argument; claim: only its holder and the end of the lease

	stale bool      // update: the version was stale
	taken uuid.UUID // insert: the ID of the message that has the key
	found row       // claim and read: the returned message
	none  bool      // read: no message was found
}

// row holds the fields of a message that calls change. A key has at most one message.
type row struct {
	id      uuid.UUID
	version int64
	claims  int
	holder  int64
	due     time.Time
}

// step reports whether the operation may have its result when the key's message is holder.
// It returns the key's message after the operation.
func step(holder row, d operation) (bool, row) {
	mine := holder.id == d.id
	switch d.call {
	case "insert":
		if holder.id != uuid.Nil {
			return d.taken == holder.id, holder
		}
		return d.taken == uuid.Nil, d.message
	case "claim":
		next := row{d.id, holder.version + 1, holder.claims + 1, d.message.holder, d.message.due}
		return mine && !holder.due.IsZero() && !holder.due.After(d.now) && d.found == next, next
	case "update":
		if !mine || holder.version != d.message.version {
			return d.stale, holder
		}
		return !d.stale, row{d.id, holder.version + 1, d.message.claims, d.message.holder, d.message.due}
	default:
		if d.none {
			return !mine, holder
		}
		return mine && d.found == holder, holder
	}
}

// checkLinearizable reports whether the history is linearizable: some order of the
// operations gives their results by step, with each operation between its call and return.
func checkLinearizable(history []porcupine.Operation) porcupine.CheckResult {
	return porcupine.CheckOperationsTimeout(porcupine.Model{
		Init: func() any { return row{} },
		Step: func(state, input, _ any) (bool, any) {
			ok, next := step(state.(row), input.(operation))
			return ok, next
		},
	}, history, time.Minute)
}

// noon is the time at which histories begin. It has no nanoseconds, because stores keep
// times to the microsecond.
var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func rowOf(m smsplus.Message) row { return row{m.ID, m.Version, m.Claims, m.Holder, m.DueAt} }

func newMessage(key string, due time.Time) smsplus.Message {
	to, err := phone.Parse("+886912345678")
	if err != nil {
		panic(err)
	}
	return smsplus.Message{
		ID: uuid.New(), Key: key, Template: "otp", To: channel.Recipient{Phone: to},
		Plan:    []smsplus.PlannedStep{{Channel: channel.SMS}},
		Channel: channel.SMS, Lane: channel.SMS, TriggeredAt: noon, DueAt: due, Version: 1,
	}
}

// recordHistory inserts, claims, updates and reads the messages of a few keys from several
// goroutines. It returns the operations by key.
func recordHistory(t *testing.T, s smsplus.Store) map[string][]porcupine.Operation {
	t.Helper()
	const callers, calls, keys = 6, 60, 4
	began := time.Now()
	var mu sync.Mutex
	done := make(map[string][]porcupine.Operation)
	seen := make(map[string][]smsplus.Message) // all states of a key's message that a call returned
	var group errgroup.Group
	for caller := range callers {
		group.Go(func() error {
			record := func(from time.Duration, key string, d operation, m ...smsplus.Message) {
				mu.Lock()
				defer mu.Unlock()
				done[key] = append(done[key], porcupine.Operation{
					ClientId: caller, Input: d, Call: from.Nanoseconds(), Return: time.Since(began).Nanoseconds(),
				})
				seen[key] = append(seen[key], m...)
			}
			for i := range calls {
				key := fmt.Sprint("key ", rand.N(keys))
				now := noon.Add(time.Duration(i) * time.Second)
				due := now.Add(time.Duration(rand.N(20)-10) * time.Second)
				mu.Lock()
				known := seen[key]
				mu.Unlock()
				var m smsplus.Message
				if len(known) > 0 {
					m = known[max(0, len(known)-1-rand.N(3))]
				}
				from := time.Since(began)
				switch what := rand.N(10); {
				case len(known) == 0 || what == 0:
					m := newMessage(key, due)
					taken, err := s.Insert(t.Context(), []smsplus.Message{m})
					if err != nil {
						return err
					}
					d := operation{call: "insert", id: m.ID, message: rowOf(m)}
					if holder, ok := taken[key]; ok {
						d.taken, m = holder.ID, holder
					}
					record(from, key, d, m)
				case what < 4:
					const lease = 5 * time.Second
					holder := rand.Int64N(1000) + 1
					claimed, err := s.Claim(t.Context(), smsplus.Claim{Now: now, Lease: lease, Limit: 2, Holder: holder, Only: []channel.Name{channel.SMS}})
					if err != nil {
						return err
					}
					for _, m := range claimed.Messages {
						record(from, m.Key, operation{call: "claim", id: m.ID, now: now, message: row{holder: holder, due: now.Add(lease)}, found: rowOf(m)}, m)
					}
				case what < 8:
					m.DueAt = due
					if rand.N(2) == 0 { // the other half keeps its lease
						m.Claims, m.Holder = 0, 0
					}
					stale, err := s.Update(t.Context(), []smsplus.Message{m})
					if err != nil {
						return err
					}
					record(from, key, operation{call: "update", id: m.ID, message: rowOf(m), stale: slices.Contains(stale, m.ID)})
				default:
					found, err := s.Message(t.Context(), m.ID)
					if errors.Is(err, smsplus.ErrNotFound) {
						record(from, key, operation{call: "read", id: m.ID, none: true})
					} else if err != nil {
						return err
					} else {
						record(from, key, operation{call: "read", id: m.ID, found: rowOf(found)}, found)
					}
				}
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
	return done
}

func TestStores_AreLinearizable(t *testing.T) {
	t.Parallel()
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 10 {
				for key, calls := range recordHistory(t, open(t)) {
					require.Equal(t, porcupine.Ok, checkLinearizable(calls), key)
				}
			}
		})
	}
}

// brokenStore is a store with its Claim or Update replaced by one that breaks the contract.
type brokenStore struct {
	smsplus.Store
	claimFunc  func(context.Context, smsplus.Claim) (smsplus.Claimed, error)
	updateFunc func(context.Context, []smsplus.Message) ([]uuid.UUID, error)
}

func (s *brokenStore) Claim(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
	if s.claimFunc != nil {
		return s.claimFunc(ctx, c)
	}
	return s.Store.Claim(ctx, c)
}

func (s *brokenStore) Update(ctx context.Context, ms []smsplus.Message) ([]uuid.UUID, error) {
	if s.updateFunc != nil {
		return s.updateFunc(ctx, ms)
	}
	return s.Store.Update(ctx, ms)
}

// TestCheckLinearizable_CatchesBrokenStores proves that the check can fail.
func TestCheckLinearizable_CatchesBrokenStores(t *testing.T) {
	t.Parallel()
	for name, breakStore := range map[string]func(s *brokenStore){
		"an update of an old version replaces a newer one": func(s *brokenStore) {
			s.updateFunc = func(ctx context.Context, ms []smsplus.Message) (stale []uuid.UUID, err error) {
				for ok := false; !ok; ok = len(stale) == 0 {
					stored, err := s.Message(ctx, ms[0].ID)
					if err != nil {
						return nil, err
					}
					ms[0].Version = stored.Version
					if stale, err = s.Store.Update(ctx, ms); err != nil {
						return nil, err
					}
				}
				return nil, nil
			}
		},
		"an update that takes effect is reported as stale": func(s *brokenStore) {
			s.updateFunc = func(ctx context.Context, ms []smsplus.Message) ([]uuid.UUID, error) {
				_, err := s.Store.Update(ctx, ms)
				return []uuid.UUID{ms[0].ID}, err
			}
		},
		"a claim returns messages that another claim holds": func(s *brokenStore) {
			var mu sync.Mutex
			var last smsplus.Claimed
			s.claimFunc = func(ctx context.Context, c smsplus.Claim) (smsplus.Claimed, error) {
				mu.Lock()
				defer mu.Unlock()
				if len(last.Messages) > 0 {
					again := last
					last = smsplus.Claimed{}
					return again, nil
				}
				claimed, err := s.Store.Claim(ctx, c)
				last = claimed
				return claimed, err
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for {
				s := &brokenStore{Store: memstore.New()}
				breakStore(s)
				for _, calls := range recordHistory(t, s) {
					if checkLinearizable(calls) == porcupine.Illegal {
						return
					}
				}
			}
		})
	}
}
