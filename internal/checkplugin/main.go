// Command checkplugin loads an XLA plugin and exits with 0 if it can be used on this machine; the scripts that install
// plugins run it.
//
//	go run ./internal/checkplugin /absolute/path/pjrt_c_api_cpu_plugin.so
package main

import (
	"fmt"
	"os"

	"searchrl/accel"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: checkplugin /absolute/path/plugin.so")
		os.Exit(2)
	}
	if err := accel.Probe(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
