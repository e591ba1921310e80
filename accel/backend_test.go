package accel

import (
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/stretchr/testify/require"
)

// TestComputes runs a small matrix product on every backend that is installed.
func TestComputes(t *testing.T) {
	for _, kind := range []Kind{Go, XLACPU, XLACUDA} {
		t.Run(string(kind), func(t *testing.T) {
			b, err := Open(string(kind))
			if err != nil && kind != Go {
				t.Skip(err)
			}
			require.NoError(t, err)
			defer b.Close()
			t.Log(b.Choice(), b.Info().Devices)
			exec, err := graph.NewExec(b.Compute(), func(x *graph.Node) *graph.Node { return graph.MatMul(x, x) })
			require.NoError(t, err)
			y, err := exec.Call1([][]float32{{1, 2}, {3, 4}})
			require.NoError(t, err)
			require.Equal(t, [][]float32{{7, 10}, {15, 22}}, y.Value())
			exec.Finalize()
		})
	}
}
