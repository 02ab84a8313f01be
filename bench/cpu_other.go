//go:build !unix

package main

import "time"

// ownCPU returns zero: only Unix systems are asked for the CPU time of a process.
func ownCPU() time.Duration { return 0 }
