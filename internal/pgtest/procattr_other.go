//go:build !unix

package pgtest

import "syscall"

// apart: there is no script to run here, and so no server.
func apart() (*syscall.SysProcAttr, error) { return nil, errNoServer }
