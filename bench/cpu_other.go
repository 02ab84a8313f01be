//go:build !unix

package main

import "time"

// processCPU returns zero: only Unix systems are asked for the CPU time of a process.
func processCPU() time.Duration { return 0 }
