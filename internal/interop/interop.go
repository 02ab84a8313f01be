// Package interop runs implementations of the providers' protocols that this module
// did not write, for the tests of its adapters. They live in test/peers: `make
// peers` installs them. Each process serves one test, on a loopback port of its
// own, and ends with it.
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

// patience is how long a peer may take to start, or to say its next line. The
// largest of them takes seconds on a busy machine.
const patience = 2 * time.Minute

// Required is the environment variable that turns a missing peer from a skipped
// test into a failed one: CI sets it, so that no proof is left out unseen.
const Required = "SMSPLUS_PEERS"

// Peer is a running process. It talks in lines.
type Peer struct {
	stdin io.WriteCloser
	lines chan string
	said  *strings.Builder // on standard error; read it after lines is closed
}

// Node starts a script of test/peers under Node.js.
func Node(t *testing.T, script string, args ...string) *Peer {
	t.Helper()
	dir := folder(t)
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); err != nil {
		lack(t, "test/peers has no node_modules: make peers installs them")
	}
	return start(t, dir, "node", append([]string{script}, args...)...)
}

// Perl starts a script of test/peers under Perl, if the module that it needs is
// installed.
func Perl(t *testing.T, module, script string, args ...string) *Peer {
	t.Helper()
	if err := exec.CommandContext(t.Context(), "perl", "-M"+module, "-e1").Run(); err != nil {
		lack(t, "perl has no "+module+": make peers installs it")
	}
	return start(t, folder(t), "perl", append([]string{script}, args...)...)
}

// Path returns the path of a file of test/peers.
func Path(t *testing.T, name string) string {
	t.Helper()
	return filepath.Join(folder(t), filepath.FromSlash(name))
}

func folder(t *testing.T) string {
	t.Helper()
	_, file, _, ok := runtime.Caller(0)
	if !ok || !filepath.IsAbs(file) {
		t.Fatal("peers: built with -trimpath, which hides where test/peers is")
	}
	return filepath.Join(filepath.Dir(file), "..", "..", "test", "peers")
}

func lack(t *testing.T, what string) {
	t.Helper()
	if os.Getenv(Required) != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

func start(t *testing.T, dir, program string, args ...string) *Peer {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		lack(t, program+" is not installed")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.WaitDelay = 5 * time.Second
	p := &Peer{lines: make(chan string, 1000), said: new(strings.Builder)}
	cmd.Stderr = p.said
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

// Next returns the next line that the peer says on standard output. A peer that
// ends, or says nothing for too long, fails the test.
func (p *Peer) Next(t *testing.T) string {
	t.Helper()
	select {
	case line, ok := <-p.lines:
		if !ok {
			t.Fatalf("the peer ended: %s", p.said)
		}
		return line
	case <-time.After(patience):
		t.Fatal("the peer says nothing")
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
