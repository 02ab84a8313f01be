package storetest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/internal/pgtest"
	"github.com/smsplus/smsplus-go/memstore"
	"github.com/smsplus/smsplus-go/pgstore"
	"github.com/smsplus/smsplus-go/seal"
	"github.com/smsplus/smsplus-go/secret"
	"github.com/smsplus/smsplus-go/sqlitestore"
	"github.com/smsplus/smsplus-go/storetest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	pgtest.Stop()
	os.Exit(code)
}

func openSQLite(t *testing.T, sealer seal.Sealer) *sqlitestore.Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "messages.db")
	require.NoError(t, sqlitestore.Migrate(t.Context(), path))
	s, err := sqlitestore.Open(t.Context(), path, sqlitestore.Options{Sealer: sealer, Synchronous: sqlitestore.Normal})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func openPostgres(t *testing.T, sealer seal.Sealer) *pgstore.Store {
	t.Helper()
	pool, o := pgtest.Pool(t, nil), pgstore.Options{Schema: pgtest.Schema(t), Sealer: sealer}
	require.NoError(t, pgstore.Migrate(t.Context(), pool, o))
	s, err := pgstore.New(t.Context(), pool, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// TestAllStores_ReturnTheSame makes the same random calls to several stores. The tests of
// each store compare it only with the model. A group calls Erase if all of its stores
// have it, and memstore has not.
func TestAllStores_ReturnTheSame(t *testing.T) {
	t.Parallel()
	key, lookup := strings.Repeat("A", 42)+"E=", strings.Repeat("B", 42)+"E="
	sealer, err := seal.NewRing(seal.Config{Keys: []seal.Key{{ID: 1, Secret: secret.New(key)}}, Lookups: []secret.Text{secret.New(lookup)}})
	require.NoError(t, err)
	t.Run("in memory and in a file", func(t *testing.T) {
		t.Parallel()
		storetest.RandomCallsOf(t, memstore.New(), openSQLite(t, nil))
	})
	t.Run("in memory, in a file and on a server", func(t *testing.T) {
		t.Parallel()
		storetest.RandomCallsOf(t, memstore.New(), openSQLite(t, nil), openPostgres(t, nil))
	})
	t.Run("in a file, unsealed and sealed, with Erase", func(t *testing.T) {
		t.Parallel()
		storetest.RandomCallsOf(t, openSQLite(t, nil), openSQLite(t, sealer))
	})
	t.Run("in a file and on a server, unsealed and sealed, with Erase", func(t *testing.T) {
		t.Parallel()
		storetest.RandomCallsOf(t, openSQLite(t, nil), openPostgres(t, nil), openPostgres(t, sealer))
	})
}
