package accel

import "fmt"

// The PJRT API is compatible within a major version; a plugin older than minMinor lacks functions that go-xla calls.
const (
	pjrtMajor = 0
	minMinor  = 54
)

func checkVersion(major, minor int) error {
	if major != pjrtMajor || minor < minMinor {
		return fmt.Errorf("it offers PJRT API v%d.%d, expected v%d.%d or a later v%d", major, minor,
			pjrtMajor, minMinor, pjrtMajor)
	}
	return nil
}

func checkPlugin(path string, kind Kind) error { return nil }

func checkGPU() error { return fmt.Errorf("no GPU") }

func runProbe(command []string, path string) error { return nil }
