//go:build !unix

package pgtest

import "syscall"

// processAttributes: there is no script to run here, and so no server.
func processAttributes() (*syscall.SysProcAttr, error) { return nil, errNoServer }
