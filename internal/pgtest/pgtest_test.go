package pgtest_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/smsplus/smsplus-go/internal/pgtest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		pgtest.Stop()
		os.Exit(code)
	}))
}

func TestSchema_BelongsToOneTest(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, nil)
	held := func(schema string) (n int) {
		require.NoError(t, pool.QueryRow(t.Context(),
			"SELECT count(*) FROM pg_tables WHERE schemaname = $1", schema).Scan(&n))
		return n
	}
	first, second := pgtest.Schema(t), ""
	t.Run("a test with a schema", func(t *testing.T) {
		second = pgtest.Schema(t)
		for _, s := range []string{first, second} {
			_, err := pool.Exec(t.Context(), "CREATE TABLE "+pgx.Identifier{s, "message"}.Sanitize()+" ()")
			require.NoError(t, err)
			require.Equal(t, 1, held(s))
		}
	})
	require.Equal(t, 1, held(first))
	require.Zero(t, held(second), "a schema is dropped with its test")
}

func TestDurable_LastsUntilTestEnds(t *testing.T) {
	fsync := func(t *testing.T) (on string) {
		t.Helper()
		require.NoError(t, pgtest.Pool(t, nil).QueryRow(t.Context(), "SHOW fsync").Scan(&on))
		return on
	}
	require.Equal(t, "off", fsync(t))
	t.Run("a test that needs it", func(t *testing.T) {
		pgtest.Durable(t)
		require.Equal(t, "on", fsync(t))
	})
	require.Equal(t, "off", fsync(t))
}

func TestServer_DefaultCollationIsNotByteOrder(t *testing.T) {
	t.Parallel()
	var version int
	var before bool
	row := pgtest.Pool(t, nil).QueryRow(t.Context(), "SELECT current_setting('server_version_num')::int, 'a' < 'B'")
	require.NoError(t, row.Scan(&version, &before))
	require.True(t, before || version < 150_000)
}

// childEnv is the environment variable of the process whose end is tested.
const childEnv = "SMSPLUS_PGTEST_LIVES"

func TestServer_EndsWithProcess(t *testing.T) {
	dsn := pgtest.DSN(t)
	if os.Getenv(childEnv) != "" {
		fmt.Println(dsn)
		_, _ = io.Copy(io.Discard, os.Stdin) // it waits to be killed
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), childEnv+"=1")
	_, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	dsn, err = bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err, "another process's server can be reached")
	require.NoError(t, conn.Close(t.Context()))

	require.NoError(t, cmd.Process.Kill())
	_, err = io.ReadAll(stderr) // the server's script keeps it open until it ends
	require.NoError(t, err)
	require.Error(t, cmd.Wait())
	_, err = pgx.Connect(t.Context(), dsn)
	require.Error(t, err)
	folder, _, _ := strings.Cut(strings.TrimPrefix(dsn, "host="), " ")
	require.NoDirExists(t, folder)
}
