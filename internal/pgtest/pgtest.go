// Package pgtest runs a PostgreSQL server for the tests of one package. The server has a
// folder and a socket of its own. It runs from the first test that needs it to the end of
// the process, however the process ends.
//
//	func TestMain(m *testing.M) {
//		code := m.Run()
//		pgtest.Stop()
//		os.Exit(code)
//	}
//
//	func TestStore(t *testing.T) {
//		pool, schema := pgtest.Pool(t, nil), pgtest.Schema(t)
//		…
//	}
//
// Tests are skipped if no server is installed; see [Required].
package pgtest

import (
	"bufio"
	"context"
	_ "embed" // the script
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// Required is the environment variable that makes tests fail instead of being skipped
	// if no server is installed. CI sets it to "required", so that no test is skipped
	// unnoticed.
	Required = "SMSPLUS_POSTGRES"
	// Binaries is the environment variable with the folder of the server's programs
	// (initdb, pg_ctl, postgres). Defaults to the newest version of Debian's packages, or
	// to the version on the PATH.
	Binaries = "SMSPLUS_POSTGRES_BIN"
)

var errNoServer = errors.New("no PostgreSQL server is installed (Debian's package is postgresql)")

//go:embed server.sh
var script string

// server is the server of this process. The mutex guards all fields.
var server struct {
	sync.Mutex
	started bool
	err     error

	folder string
	script *exec.Cmd
	stdin  io.WriteCloser // the server runs as long as this is open
	stdout *bufio.Reader
}

var schemas atomic.Int64

// Start starts the server, unless it runs already, and returns the data source name of its
// superuser. It is for programs. Tests call [DSN].
func Start() (dsn string, err error) {
	server.Lock()
	defer server.Unlock()
	if !server.started {
		server.started, server.err = true, startServer()
	}
	return "host=" + server.folder + " user=smsplus dbname=postgres sslmode=disable", server.err
}

// DSN starts the server, unless it runs already, and returns the data source name of its
// superuser.
func DSN(tb testing.TB) string {
	tb.Helper()
	dsn, err := Start()
	switch {
	case errors.Is(err, errNoServer) && os.Getenv(Required) == "":
		tb.Skip(err)
	case err != nil:
		tb.Fatal(err)
	}
	return dsn
}

// Pool returns a pool of connections to the server. It is closed when the test ends.
// Configure, if not nil, may change its configuration.
func Pool(tb testing.TB, configure func(*pgxpool.Config)) *pgxpool.Pool {
	tb.Helper()
	c, err := pgxpool.ParseConfig(DSN(tb))
	if err != nil {
		tb.Fatal(err)
	}
	c.MaxConns = 8
	if configure != nil {
		configure(c)
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), c)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(pool.Close)
	return pool
}

// Schema creates a schema and returns its name, which must be quoted in SQL. The schema is
// dropped when the test ends.
func Schema(tb testing.TB) string {
	tb.Helper()
	name := fmt.Sprintf(`Test "%d"`, schemas.Add(1))
	Exec(tb, "CREATE SCHEMA "+pgx.Identifier{name}.Sanitize())
	tb.Cleanup(func() { Exec(tb, "DROP SCHEMA "+pgx.Identifier{name}.Sanitize()+" CASCADE") })
	return name
}

// Durable makes commits durable until the test ends, as they are in a server by default. It
// is for benchmarks that measure commits. Other tests are faster without it.
func Durable(tb testing.TB) {
	tb.Helper()
	settings := []string{"fsync", "full_page_writes", "synchronous_commit"}
	for _, s := range settings {
		Exec(tb, "ALTER SYSTEM SET "+s+" = on")
	}
	reload := func() { Exec(tb, "SELECT pg_reload_conf()", "CHECKPOINT") }
	reload()
	tb.Cleanup(func() {
		for _, s := range settings {
			Exec(tb, "ALTER SYSTEM RESET "+s)
		}
		reload()
	})
}

// Exec executes statements one after the other, on a connection of its own.
func Exec(tb testing.TB, statements ...string) {
	tb.Helper()
	ctx := context.Background() // the test's own context has ended when its cleanup runs
	conn, err := pgx.Connect(ctx, DSN(tb))
	if err != nil {
		tb.Fatal(err)
	}
	defer conn.Close(ctx) //nolint:errcheck // all statements have been executed
	for _, s := range statements {
		if _, err := conn.Exec(ctx, s); err != nil {
			tb.Fatalf("%s: %v", s, err)
		}
	}
}

// Restart stops the server that [Start] started and starts it again. Mode "fast" cuts all
// connections, as an operator does. Mode "immediate" is a crash. No other test may use the
// server meanwhile.
func Restart(tb testing.TB, mode string) {
	tb.Helper()
	runCommand(tb, "restart "+mode)
}

// Standby starts a standby of the server that [Start] started, which follows it by streaming
// replication. Until the test ends, each commit waits for it. It returns a data source name
// that leads to the server, and to the standby once that is the server. Call it once in a
// process.
func Standby(tb testing.TB) (dsn string) {
	tb.Helper()
	Durable(tb)
	runCommand(tb, "standby")
	Exec(tb, "ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
	tb.Cleanup(func() { Exec(tb, "ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()") })
	server.Lock()
	defer server.Unlock()
	return fmt.Sprintf("host=%s,%[1]s/standby target_session_attrs=read-write user=smsplus dbname=postgres sslmode=disable", server.folder)
}

// Failover kills the server, as a crash does, and promotes the standby from [Standby]. From
// then on it is the server. No other test may use the server meanwhile.
func Failover(tb testing.TB) {
	tb.Helper()
	runCommand(tb, "failover")
}

// Bouncer starts PgBouncer between the test and the server, with a mode of pooling: "session"
// or "transaction". It returns the data source name. The test is skipped if PgBouncer is not
// installed; see [Required]. Call it once for each mode.
func Bouncer(tb testing.TB, mode string) (dsn string) {
	tb.Helper()
	dsn = DSN(tb)
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		program, err = exec.LookPath("/usr/sbin/pgbouncer") // Debian's, which is not on everyone's PATH
	}
	switch {
	case err != nil && os.Getenv(Required) == "":
		tb.Skip("no PgBouncer is installed (Debian's package is pgbouncer)")
	case err != nil:
		tb.Fatal(err)
	}
	runCommand(tb, "bouncer "+mode+" "+program)
	_, settings, _ := strings.Cut(dsn, " ")
	server.Lock()
	defer server.Unlock()
	return "host=" + server.folder + "/" + mode + " port=6432 " + settings
}

// runCommand gives the server's script a command, and waits until it has run.
func runCommand(tb testing.TB, command string) {
	tb.Helper()
	server.Lock()
	defer server.Unlock()
	if _, err := fmt.Fprintln(server.stdin, command); err != nil {
		tb.Fatal(err)
	}
	line, err := server.stdout.ReadString('\n')
	folder, ok := strings.CutPrefix(strings.TrimSpace(line), "ready ")
	if !ok {
		tb.Fatalf("the PostgreSQL server did not do as told (%s): %s%v", command, line, err)
	}
	server.folder = folder
}

// Stop stops the server, if it runs, and waits until it has ended. The end of the process
// stops the server too, but does not wait.
func Stop() {
	server.Lock()
	defer server.Unlock()
	if server.script != nil {
		_ = server.stdin.Close()
		_ = server.script.Wait()
		server.script = nil
	}
}

// startServer runs the script that runs the server.
func startServer() error {
	bin, err := binaries()
	if err != nil {
		return err
	}
	cmd := exec.Command("sh", "-c", script, "sh", bin)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.Getenv("TMPDIR")}
	cmd.Dir = "/"
	// go test reads this process's standard error to its end, and so waits for the server.
	cmd.Stderr = os.Stderr
	if cmd.SysProcAttr, err = processAttributes(); err != nil {
		return err
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	said := bufio.NewReader(stdout)
	line, _ := said.ReadString('\n')
	folder, ready := strings.CutPrefix(strings.TrimSpace(line), "ready ")
	if !ready {
		rest, _ := io.ReadAll(said)
		return fmt.Errorf("the PostgreSQL server did not start: %w: %s%s", cmd.Wait(), line, rest)
	}
	server.folder, server.script, server.stdin, server.stdout = folder, cmd, stdin, said
	return nil
}

// binaries returns the folder of the server's programs.
func binaries() (string, error) {
	if dir := os.Getenv(Binaries); dir != "" {
		return dir, nil
	}
	if dirs, err := filepath.Glob("/usr/lib/postgresql/*/bin"); err == nil && len(dirs) > 0 {
		return slices.MaxFunc(dirs, func(a, b string) int { return version(a) - version(b) }), nil
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	return "", errNoServer
}

// version returns the version in a path such as /usr/lib/postgresql/15/bin, or 0.
func version(bin string) int {
	v, _ := strconv.Atoi(filepath.Base(filepath.Dir(bin)))
	return v
}
