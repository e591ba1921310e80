package accel

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// probeChild makes this test binary act as the child of Options.Probe.
const probeChild = "ACCEL_TEST_PROBE_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(probeChild) != "" {
		if err := Probe(os.Args[len(os.Args)-1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// probeCommand is the command line of that child.
func probeCommand(t testing.TB) []string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return []string{"env", probeChild + "=1", self}
}
