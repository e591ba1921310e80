package cputime

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestUsed(t *testing.T) {
	before, ok := Used()
	if !ok {
		t.Skip("this system does not tell")
	}
	x := 1.0
	for after := before; after < before+20*time.Millisecond; after, _ = Used() {
		for range 100_000 {
			x = x*1.0000001 + 1e-9
		}
	}
	time.Sleep(time.Millisecond)
	require.Positive(t, x)
}
