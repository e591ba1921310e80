//go:build !unix

package cputime

import "time"

// Used reports that the time is not known here.
func Used() (used time.Duration, ok bool) { return 0, false }
