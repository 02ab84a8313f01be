// Package rollout_test runs the version before the latest migration on the same store as the
// current one, as processes of their own.
package rollout_test

import (
	"archive/tar"
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smsplus/smsplus-go/internal/pgtest"
	"github.com/smsplus/smsplus-go/pgstore"
	"github.com/smsplus/smsplus-go/smsplus"
	"github.com/smsplus/smsplus-go/sqlitestore"
	"github.com/smsplus/smsplus-go/status"
)

func TestMain(m *testing.M) {
	code := m.Run()
	pgtest.Stop()
	os.Exit(code)
}

const (
	root    = "../.."
	program = "test/rollout/application"
)

// versionBefore returns the commit before the one that added a store's latest migration. It
// skips the test where the history does not reach back so far: a shallow clone, or an archive.
func versionBefore(t *testing.T, store string) string {
	t.Helper()
	migrations, err := filepath.Glob(filepath.Join(root, store, "migrations", "*.sql"))
	require.NoError(t, err)
	require.NotEmpty(t, migrations)
	latest := store + "/migrations/" + filepath.Base(slices.Max(migrations))
	added, err := git(t, "log", "--format=%H", "--diff-filter=A", "--", latest)
	commit := strings.TrimSpace(string(added))
	if err == nil && commit != "" {
		before, err := git(t, "rev-parse", "--verify", "--quiet", commit+"^")
		if err == nil {
			return strings.TrimSpace(string(before))
		}
	}
	t.Skipf("the history has no version before %s", latest)
	return ""
}

// git runs git on the module's repository.
func git(t *testing.T, args ...string) ([]byte, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = root
	return cmd.Output()
}

// buildOld builds the application from an earlier commit, and returns its file.
func buildOld(t *testing.T, commit string) string {
	t.Helper()
	archive, err := git(t, "archive", "--format=tar", commit)
	require.NoError(t, err)
	folder := t.TempDir()
	for files := tar.NewReader(bytes.NewReader(archive)); ; {
		f, err := files.Next()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		if f.Typeflag == tar.TypeReg && (strings.HasPrefix(f.Name, "go.") || !strings.HasSuffix(f.Name, "_test.go")) {
			content, err := io.ReadAll(files)
			require.NoError(t, err)
			writeFile(t, filepath.Join(folder, filepath.FromSlash(f.Name)), content)
		}
	}
	source, err := os.ReadFile("application/main.go")
	require.NoError(t, err)
	writeFile(t, filepath.Join(folder, program, "main.go"), source)
	return build(t, folder)
}

func writeFile(t *testing.T, name string, content []byte) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o700))
	require.NoError(t, os.WriteFile(name, content, 0o600))
}

// build builds the application of the module in a folder.
func build(t *testing.T, folder string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "application")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", file, "./"+program)
	cmd.Dir = folder
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return file
}

// stage is where the processes of a test run.
type stage struct {
	store, address, schema, copies string
}

// process is a running application.
type process struct {
	t        *testing.T
	name     string
	cmd      *exec.Cmd
	commands io.WriteCloser
	answers  *bufio.Scanner
	log      bytes.Buffer
}

func (s stage) start(t *testing.T, file, name string) *process {
	t.Helper()
	p := &process{t: t, name: name, cmd: exec.CommandContext(t.Context(), file, s.store, s.address, s.schema, s.copies, name)}
	p.cmd.Stderr = &p.log
	var err error
	p.commands, err = p.cmd.StdinPipe()
	require.NoError(t, err)
	answers, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	p.answers = bufio.NewScanner(answers)
	require.NoError(t, p.cmd.Start())
	return p
}

// do gives the process a command and requires its answer.
func (p *process) do(answer, command string, args ...any) {
	p.t.Helper()
	p.order(command, args...)
	p.requireAnswer(answer)
}

// order gives the process a command. Its answer is still to come.
func (p *process) order(command string, args ...any) {
	p.t.Helper()
	_, err := fmt.Fprintf(p.commands, command+"\n", args...)
	require.NoError(p.t, err)
}

func (p *process) requireAnswer(answer string) {
	p.t.Helper()
	if !p.answers.Scan() {
		require.FailNow(p.t, p.name+" ended", "%v: %s", p.cmd.Wait(), p.log.String())
	}
	require.Equal(p.t, answer, p.answers.Text(), p.name)
}

// drain ends the process, which first stores what it has begun.
func (p *process) drain() {
	p.t.Helper()
	require.NoError(p.t, p.commands.Close())
	require.NoError(p.t, p.cmd.Wait(), "%s: %s", p.name, p.log.String())
}

// insert has a process of a version store 20 messages, from a number on, without sending them.
func (s stage) insert(t *testing.T, file, name string, from int) {
	t.Helper()
	p := s.start(t, file, name)
	p.do("opened", "open")
	p.do("sent 20 0", "send %d %d 0", from, from+20)
	p.drain()
}

// sentCopy is a copy that a process sent.
type sentCopy struct{ by, message, id string }

// allCopies returns the copies in their order.
func (s stage) allCopies(t *testing.T) (all []sentCopy) {
	t.Helper()
	text, err := os.ReadFile(s.copies)
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) == 3 && strings.HasSuffix(line, "\n") {
			all = append(all, sentCopy{words[0], words[1], words[2]})
		}
	}
	return all
}

// waitForCopies waits until n copies were sent, and returns them.
func (s stage) waitForCopies(t *testing.T, n int) []sentCopy {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if all := s.allCopies(t); len(all) >= n {
			require.Len(t, all, n, "a message was sent twice")
			return all
		}
		select {
		case <-tick.C:
		case <-t.Context().Done():
			require.NoError(t, t.Context().Err())
		}
	}
}

// confirm has a process receive that copies were delivered.
func (p *process) confirm(copies []sentCopy) {
	p.t.Helper()
	var ids []string
	for _, c := range copies {
		ids = append(ids, c.id)
	}
	p.do("received", "receive %s", strings.Join(ids, " "))
}

// sentBy divides copies into those that a process sent and the others.
func sentBy(copies []sentCopy, name string) (its, others []sentCopy) {
	for _, c := range copies {
		if c.by == name {
			its = append(its, c)
		} else {
			others = append(others, c)
		}
	}
	return its, others
}

// requireDelivered requires that n messages were sent once, and that the store has them as
// delivered.
func (s stage) requireDelivered(t *testing.T, store smsplus.Store, n int) {
	t.Helper()
	copies := map[string]int{}
	for _, c := range s.allCopies(t) {
		copies[c.message]++
	}
	require.Len(t, copies, n)
	for message, times := range copies {
		require.Equal(t, 1, times, message)
	}
	page, err := store.Records(t.Context(), smsplus.Filter{Limit: 2 * n})
	require.NoError(t, err)
	require.Empty(t, page.Unreadable)
	require.Len(t, page.Messages, n)
	for _, m := range page.Messages {
		require.Equal(t, status.Delivered, m.Status, m.Key)
		require.Len(t, m.Attempts, 1, m.Key)
		require.Equal(t, 1, m.Attempts[0].Tries, m.Key)
		require.True(t, m.DueAt.IsZero(), m.Key)
	}
	want := smsplus.TemplateStats{Template: "notice", Triggered: n, Delivered: n}
	rows, err := store.Stats(t.Context(), smsplus.Filter{})
	require.NoError(t, err)
	require.Equal(t, []smsplus.TemplateStats{want}, rows)
	groups, err := store.StatsBy(t.Context(), smsplus.Filter{}, smsplus.Grouping{})
	require.NoError(t, err)
	require.Len(t, groups, 1)
	require.Equal(t, [2]int{n, n}, [2]int{groups[0].Triggered, groups[0].Delivered})
}

// PostgreSQL's earlier version continues to run during the migration and after it, also alone:
// that is how a roll-out is taken back.
func TestPostgres_EarlierVersionRunsWithThisOne(t *testing.T) {
	if testing.Short() {
		t.Skip("builds an earlier version")
	}
	t.Parallel()
	pool, schema := pgtest.Pool(t, nil), pgtest.Schema(t)
	old, current := buildOld(t, versionBefore(t, "pgstore")), build(t, root)
	s := stage{"postgres", pgtest.DSN(t), schema, filepath.Join(t.TempDir(), "copies")}

	before := s.start(t, old, "old")
	before.do("migrated", "migrate")
	before.do("opened", "open")
	before.do("running", "run")
	before.do("sent 20 0", "send 0 20 0")
	inserting := s.start(t, old, "old") // an earlier version does not open a later schema
	inserting.do("opened", "open")
	before.order("send 20 220 0") // meanwhile
	require.NoError(t, pgstore.Migrate(t.Context(), pool, pgstore.Options{Schema: schema}))
	before.requireAnswer("sent 200 0")

	// Both send, receive what the other sent, and send what the other stored.
	after := s.start(t, current, "new")
	after.do("opened", "open")
	after.do("running", "run")
	before.order("send 220 260 100")
	after.order("send 0 40 100")
	before.requireAnswer("sent 40 0")
	after.requireAnswer("sent 40 0")
	byOld, byNew := sentBy(s.waitForCopies(t, 300), "old")
	after.confirm(byOld)
	before.confirm(byNew)

	after.drain()
	s.insert(t, current, "new", 40)
	copies := s.waitForCopies(t, 320)[300:]
	byOld, byNew = sentBy(copies, "old")
	require.Empty(t, byNew, "the version that is left sends what the other stored")
	before.confirm(byOld)

	before.drain()
	inserting.do("sent 20 0", "send 260 280 0")
	inserting.drain()
	after = s.start(t, current, "new")
	after.do("opened", "open")
	after.do("running", "run")
	copies = s.waitForCopies(t, 340)[320:]
	byOld, byNew = sentBy(copies, "old")
	require.Empty(t, byOld)
	after.confirm(byNew)
	after.drain()

	store, err := pgstore.New(t.Context(), pool, pgstore.Options{Schema: schema})
	require.NoError(t, err)
	defer store.Close() //nolint:errcheck // it returns nil
	s.requireDelivered(t, store, 340)
	require.NoError(t, store.Maintain(t.Context(), time.Now()))
	s.requireDelivered(t, store, 340)
}

// SQLite's earlier version has no part in the file any more once it is migrated: it stores
// nothing, and sends nothing.
func TestSQLite_EarlierVersionIsShutOut(t *testing.T) {
	if testing.Short() {
		t.Skip("builds an earlier version")
	}
	t.Parallel()
	old, current := buildOld(t, versionBefore(t, "sqlitestore")), build(t, root)
	folder := t.TempDir()
	s := stage{"sqlite", filepath.Join(folder, "messages.db"), "", filepath.Join(folder, "copies")}

	before := s.start(t, old, "old")
	before.do("migrated", "migrate")
	before.do("opened", "open")
	before.do("running", "run")
	before.do("sent 40 0", "send 0 40 0")
	byOld := s.waitForCopies(t, 40)
	before.confirm(byOld[:20])
	before.drain() // as operators do first
	s.insert(t, old, "old", 40)
	forgotten := s.start(t, old, "forgotten") // it runs no dispatcher: that could be in time for the 20
	forgotten.do("opened", "open")

	require.NoError(t, sqlitestore.Migrate(t.Context(), s.address))
	forgotten.do("running", "run")
	forgotten.do("sent 0 5", "send 0 5 0")
	after := s.start(t, current, "new")
	after.do("opened", "open")
	after.do("running", "run")
	after.do("sent 40 0", "send 0 40 0")
	copies := s.waitForCopies(t, 100)[40:]
	_, others := sentBy(copies, "new")
	require.Empty(t, others, "the earlier version sends nothing")
	after.confirm(append(copies, byOld[20:]...))
	require.NoError(t, forgotten.commands.Close())
	_ = forgotten.cmd.Wait() // it may say that it cannot use the file
	after.drain()

	store, err := sqlitestore.Open(t.Context(), s.address, sqlitestore.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close()) }()
	s.requireDelivered(t, store, 100)
}
