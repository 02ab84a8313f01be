// Package pgtest runs a PostgreSQL server for the tests of one package: one server
// in a folder of its own, behind a socket of its own, from the first test that
// needs it to the end of the process, however that ends.
//
//	func TestMain(m *testing.M) {
//		code := m.Run()
//		pgtest.Stop()
//		os.Exit(code)
//	}
//
//	func TestStore(t *testing.T) {
//		pool, schema := pgtest.Pool(t), pgtest.Schema(t)
//		…
//	}
//
// A test without a server to run is skipped; see [Required].
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
	// Required is the environment variable that turns a missing server from a
	// skipped test into a failed one: CI sets it to "required", so that no proof is
	// left out unseen.
	Required = "SMSPLUS_POSTGRES"
	// Binaries is the environment variable that names the folder of the server's
	// programs (initdb, pg_ctl, postgres). Defaults to the newest version that
	// Debian's packages installed, or else the one on the PATH.
	Binaries = "SMSPLUS_POSTGRES_BIN"
)

var errNoServer = errors.New("no PostgreSQL server is installed (Debian's package is postgresql)")

//go:embed server.sh
var script string

// server is the one of this process.
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

// Start runs the server, unless it runs already, and returns what to connect to it
// with, as its superuser. It is for programs; a test calls [DSN].
func Start() (dsn string, err error) {
	server.Lock()
	defer server.Unlock()
	if !server.started {
		server.started, server.err = true, start()
	}
	return "host=" + server.folder + " user=smsplus dbname=postgres sslmode=disable", server.err
}

// DSN returns what to connect to the server with, as its superuser.
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

// Pool returns a pool of connections to the server, which is closed when the test
// ends. Configure, if not nil, changes how it is made.
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

// Schema returns the name of a new schema, which is dropped when the test ends.
// The name needs quotes wherever it stands.
func Schema(tb testing.TB) string {
	tb.Helper()
	name := fmt.Sprintf(`Test "%d"`, schemas.Add(1))
	Exec(tb, "CREATE SCHEMA "+pgx.Identifier{name}.Sanitize())
	tb.Cleanup(func() { Exec(tb, "DROP SCHEMA "+pgx.Identifier{name}.Sanitize()+" CASCADE") })
	return name
}

// Durable makes the server keep what it commits over a crash until the test ends,
// as servers do by default and as none must for a test: for benchmarks that say
// what a commit costs.
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

// Exec executes statements one by one, on a connection of its own.
func Exec(tb testing.TB, statements ...string) {
	tb.Helper()
	ctx := context.Background() // a test's own has ended by its cleanup
	conn, err := pgx.Connect(ctx, DSN(tb))
	if err != nil {
		tb.Fatal(err)
	}
	defer conn.Close(ctx) //nolint:errcheck // there is nothing left to lose
	for _, s := range statements {
		if _, err := conn.Exec(ctx, s); err != nil {
			tb.Fatalf("%s: %v", s, err)
		}
	}
}

// Restart stops the server that [Start] started and starts it again: in mode "fast" as
// an operator does, who cuts all connections, and in mode "immediate" as a crash does.
// The package's other tests must not be at it.
func Restart(tb testing.TB, mode string) {
	tb.Helper()
	server.Lock()
	defer server.Unlock()
	if _, err := fmt.Fprintln(server.stdin, mode); err != nil {
		tb.Fatal(err)
	}
	line, err := server.stdout.ReadString('\n')
	if !strings.HasPrefix(line, "ready ") {
		tb.Fatalf("the PostgreSQL server did not start again: %s%v", line, err)
	}
}

// Stop ends the server, if there is one, and returns when it has ended. The end of
// the process would end it too, and not wait.
func Stop() {
	server.Lock()
	defer server.Unlock()
	if server.script != nil {
		_ = server.stdin.Close()
		_ = server.script.Wait()
		server.script = nil
	}
}

func start() error {
	bin, err := binaries()
	if err != nil {
		return err
	}
	cmd := exec.Command("sh", "-c", script, "sh", bin)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.Getenv("TMPDIR")}
	cmd.Dir = "/"
	// A reader of this process's errors, as go test is, waits for the server's end.
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

// version returns the version in a path such as /usr/lib/postgresql/15/bin.
func version(bin string) int {
	v, _ := strconv.Atoi(filepath.Base(filepath.Dir(bin))) // another name is the oldest
	return v
}
