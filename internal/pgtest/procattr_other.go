//go:build !unix

package pgtest

import "syscall"

// processAttributes returns errNoServer, because the script needs Unix.
func processAttributes() (*syscall.SysProcAttr, error) { return nil, errNoServer }
