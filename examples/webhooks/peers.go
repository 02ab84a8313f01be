package main

import (
	"bufio"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
)

// providers are where LINE's API and the carrier's SMSC are.
type providers struct{ line, smsc string }

// start starts what stands in for the providers that nobody named. They end with ctx,
// or with this program.
func start(ctx context.Context, p *providers) (err error) {
	if p.line == "" {
		if p.line, err = peer(ctx, "prism.js", "line/messaging-api.yml"); err != nil {
			return err
		}
	}
	if p.smsc == "" {
		port, err := peer(ctx, "smsc.js")
		if err != nil {
			return err
		}
		p.smsc = "127.0.0.1:" + port
	}
	return nil
}

// peer starts a script of test/peers and returns its first line, which says where it is.
func peer(ctx context.Context, script string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "node", append([]string{script}, args...)...)
	cmd.Dir = filepath.Join("test", "peers")
	if _, err := cmd.StdinPipe(); err != nil { // which closes with this program
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
	go func() { // what it says later is of no interest
		for lines.Scan() {
		}
	}()
	return where, nil
}
