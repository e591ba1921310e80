// Package memory tells how much memory this process takes, where the operating system says so (Linux).
package memory

import (
	"bytes"
	"os"
	"runtime/debug"
	"strconv"
)

// Reset gives unused memory back and starts the measurement of Peak anew. It reports whether that is possible here.
func Reset() bool {
	debug.FreeOSMemory()
	// "5" sets the peak back to the present size: proc(5), since Linux 4.0.
	return os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) == nil
}

// Peak returns the largest resident size since Reset, or since the start, in bytes.
func Peak() (size int64, ok bool) { return status("VmHWM:") }

// Resident returns the present resident size in bytes.
func Resident() (size int64, ok bool) { return status("VmRSS:") }

// status reads a size from /proc/self/status, which has it in kB.
func status(name string) (int64, bool) {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, false
	}
	_, rest, found := bytes.Cut(data, []byte("\n"+name))
	fields := bytes.Fields(rest)
	if !found || len(fields) < 2 || string(fields[1]) != "kB" {
		return 0, false
	}
	kB, err := strconv.ParseInt(string(fields[0]), 10, 64)
	return kB << 10, err == nil
}
