package main

import (
	"bufio"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"sync"
)

// providers are where LINE's API and the carrier's SMSC are.
type providers struct{ line, smsc string }

// start starts what stands in for the providers that nobody named, until stop.
func start(ctx context.Context, p *providers) (stop func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	stop = func() {
		cancel()
		running.Wait()
	}
	if p.line == "" {
		if p.line, err = peer(ctx, &running, "prism.js", "line/messaging-api.yml"); err != nil {
			stop()
			return nil, err
		}
	}
	if p.smsc == "" {
		port, err := peer(ctx, &running, "smsc.js")
		if err != nil {
			stop()
			return nil, err
		}
		p.smsc = "127.0.0.1:" + port
	}
	return stop, nil
}

// peer starts a script of test/peers and returns its first line, which says where it is.
func peer(ctx context.Context, running *sync.WaitGroup, script string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "node", append([]string{script}, args...)...)
	cmd.Dir = filepath.Join("test", "peers")
	if _, err := cmd.StdinPipe(); err != nil { // closed, it ends some of them
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
		return "", fmt.Errorf("%s did not start: was make peers run, and is this the module's folder?", script)
	}
	where := lines.Text()
	running.Go(func() {
		for lines.Scan() { // what it says later is of no interest
		}
		_ = cmd.Wait() // it is killed
	})
	return where, nil
}
