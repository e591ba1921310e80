// Package accel picks and opens the compute backend that GoMLX runs on, and tells people why they got it.
//
// There are three: pure Go, always built in; XLA on the CPU; and XLA on CUDA. XLA comes as a shared library, a PJRT
// plugin, that is loaded by [github.com/gomlx/go-xla]; a program built without cgo cannot load one and has the pure Go
// backend alone.
//
//	backend, err := accel.Open(accel.Auto)
//	...
//	defer backend.Close()
//	fmt.Fprintln(os.Stderr, backend.Choice())
//	exec, err := graph.NewExec(backend.Compute(), ...)
//
// # What is promised
//
//   - Nothing is downloaded. go-xla resolves short names such as "cpu" itself and, in a program that imports its
//     installer, fetches what it lacks; it is given absolute paths only.
//   - The pure Go backend is opened in sequential mode. In its default, parallel mode it can deadlock.
//   - A plugin file is examined before it is loaded: format, machine, length, entry point. What remains are libraries
//     that look right and end the process that loads them; [Options].Probe loads them in a child process first.
//   - auto never fails for want of a plugin, and [Backend.Choice] says what each better backend lacked.
//
// # What the rest of the process should know
//
// Importing go-xla sets TF_CPP_MIN_LOG_LEVEL=3 in the environment of the process, unless it is set already: XLA then
// writes to standard error only when it aborts. Set it to 0 before starting the program to see everything. go-xla itself
// warns through klog, on standard error, when the system's loader refuses a library. A plugin stays loaded until the
// process ends, even after Close.
package accel
