package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// providers holds the addresses of LINE's API and of the carrier's SMSC.
type providers struct{ line, smsc string }

// errNoPeers says what the program needs in order to start the providers itself.
var errNoPeers = errors.New("the providers need Node.js and its packages: run make peers, then this program, in the " +
	"module's folder; or name others with -line and -smsc")

// startPeers starts a peer for each provider without an address, and runs it until stop.
func startPeers(ctx context.Context, p *providers) (stop func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	stop = func() {
		cancel()
		running.Wait()
	}
	if p.line == "" {
		if p.line, err = startPeer(ctx, &running, "prism.js", "line/messaging-api.yml"); err != nil {
			stop()
			return nil, err
		}
	}
	if p.smsc == "" {
		port, err := startPeer(ctx, &running, "smsc.js")
		if err != nil {
			stop()
			return nil, err
		}
		p.smsc = "127.0.0.1:" + port
	}
	return stop, nil
}

// startPeer starts a script of test/peers and returns its first line, which is its address.
func startPeer(ctx context.Context, running *sync.WaitGroup, script string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "node", append([]string{script}, args...)...)
	cmd.Dir = filepath.Join("test", "peers")
	if _, err := os.Stat(filepath.Join(cmd.Dir, "node_modules")); err != nil || cmd.Err != nil {
		return "", errNoPeers
	}
	if _, err := cmd.StdinPipe(); err != nil { // some scripts end when it is closed
		return "", err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("no %s: %w", script, err)
	}
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() {
		return "", fmt.Errorf("%s did not start", script)
	}
	where := lines.Text()
	running.Go(func() {
		for lines.Scan() { // later lines are not needed
		}
		_ = cmd.Wait() // it is killed
	})
	return where, nil
}
