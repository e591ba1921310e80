//go:build unix

// Package cputime tells how much processor time this process took, where the operating system says so.
package cputime

import (
	"syscall"
	"time"
)

// Used returns the time that all threads took since the process started, in user and system mode together.
func Used() (used time.Duration, ok bool) {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0, false
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), true
}
