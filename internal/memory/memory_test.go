package memory

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPeak(t *testing.T) {
	if !Reset() {
		t.Skip("this system does not tell peaks")
	}
	before, ok := Peak()
	require.True(t, ok)
	const size = 64 << 20
	block := make([]byte, size)
	for i := 0; i < size; i += 1024 {
		block[i] = 1
	}
	after, ok := Peak()
	require.True(t, ok)
	require.Greater(t, after-before, int64(size/2))
	runtime.KeepAlive(block)
	block = nil
	require.True(t, Reset())
	reset, ok := Peak()
	require.True(t, ok)
	require.Less(t, reset, after-size/2, "the peak starts anew")
	now, ok := Resident()
	require.True(t, ok)
	require.Positive(t, now)
}
