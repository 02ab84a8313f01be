// Package interop runs other implementations of the providers' protocols, as peers of the
// adapters in tests. Their scripts are in test/peers, and `make peers` installs what they
// need. Each process serves one test, on its own loopback port, and ends with the test.
package interop

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// patience is how long a peer may take to start, or to write its next line. The largest
// peer takes seconds on a busy machine.
const patience = 2 * time.Minute

// Required is the environment variable that makes a test fail if its peer is missing.
// Without it, the test is skipped. CI sets it, so that no test is skipped unnoticed.
const Required = "SMSPLUS_PEERS"

// Peer is a running process that reads and writes lines.
type Peer struct {
	stdin  io.WriteCloser
	lines  chan string
	stderr *strings.Builder // its standard error, complete once lines is closed
}

// Node starts a script of test/peers under Node.js.
func Node(t *testing.T, script string, args ...string) *Peer {
	t.Helper()
	dir := folder(t)
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); err != nil {
		skipOrFail(t, "test/peers has no node_modules: make peers installs them")
	}
	return startPeer(t, dir, "node", append([]string{script}, args...)...)
}

// Perl starts a script of test/peers under Perl. The script needs the given Perl module.
func Perl(t *testing.T, module, script string, args ...string) *Peer {
	t.Helper()
	if err := exec.CommandContext(t.Context(), "perl", "-M"+module, "-e1").Run(); err != nil {
		skipOrFail(t, "perl has no "+module+": make peers installs it")
	}
	return startPeer(t, folder(t), "perl", append([]string{script}, args...)...)
}

// Kannel starts drive_smpp of Debian's kannel-extras, an SMSC on the SMPP code of Kannel. Its
// log is its output. It listens on all addresses of the machine, because it knows no other
// way.
func Kannel(t *testing.T, args ...string) *Peer {
	t.Helper()
	const driver = "/usr/lib/kannel/test/drive_smpp"
	if _, err := os.Stat(driver); err != nil {
		skipOrFail(t, driver+" is missing: make peers installs it")
	}
	return startPeer(t, t.TempDir(), "sh", append([]string{"-c", `exec "$0" "$@" 2>&1`, driver}, args...)...)
}

// folder returns the path of test/peers.
func folder(t *testing.T) string {
	t.Helper()
	_, file, _, ok := runtime.Caller(0)
	if !ok || !filepath.IsAbs(file) {
		t.Fatal("interop: built with -trimpath, which hides where test/peers is")
	}
	return filepath.Join(filepath.Dir(file), "..", "..", "test", "peers")
}

// skipOrFail skips the test, or fails it if peers are required.
func skipOrFail(t *testing.T, what string) {
	t.Helper()
	if os.Getenv(Required) != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

func startPeer(t *testing.T, dir, program string, args ...string) *Peer {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		skipOrFail(t, program+" is not installed")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.WaitDelay = 5 * time.Second
	p := &Peer{lines: make(chan string, 1000), stderr: new(strings.Builder)}
	cmd.Stderr = p.stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.stdin = stdin
	done := make(chan struct{})
	go func() {
		defer close(done)
		for scanner := bufio.NewScanner(stdout); scanner.Scan(); {
			select {
			case p.lines <- scanner.Text():
			case <-ctx.Done():
			}
		}
		_ = cmd.Wait() // it is killed when its test ends
		close(p.lines)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return p
}

// Next returns the next line of the peer's standard output. It fails the test if the peer
// ends, or writes nothing for too long.
func (p *Peer) Next(t *testing.T) string {
	t.Helper()
	select {
	case line, ok := <-p.lines:
		if !ok {
			t.Fatalf("the peer ended: %s", p.stderr)
		}
		return line
	case <-time.After(patience):
		t.Fatal("the peer writes nothing")
		return ""
	}
}

// Tell writes a line to the peer's standard input.
func (p *Peer) Tell(t *testing.T, line string) {
	t.Helper()
	if _, err := io.WriteString(p.stdin, line+"\n"); err != nil {
		t.Fatal(err)
	}
}
