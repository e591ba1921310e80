package encoder

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/accel"
	"searchrl/internal/shared"
	"searchrl/safetensors"
)

// eachBackend runs the test on the pure Go backend and on XLA for the CPU where it is installed.
func eachBackend(t *testing.T, test func(t *testing.T, b *accel.Backend)) {
	for _, spec := range []string{"go", "xla:cpu"} {
		t.Run(spec, func(t *testing.T) {
			b, err := accel.Open(spec)
			if err != nil && spec != "go" {
				t.Skipf("%s is not installed: %v", spec, err)
			}
			require.NoError(t, err)
			t.Cleanup(b.Close)
			test(t, b)
		})
	}
}

// TestGolden: hidden states and embeddings of the BERT fixture, by PyTorch, within 1e-4.
func TestGolden(t *testing.T) {
	dir := os.DirFS(filepath.Join(shared.Dir(t), "fixtures", "bert-tiny"))
	cfg, w, err := Load(dir)
	require.NoError(t, err)
	file, err := safetensors.Open(dir, "golden.safetensors")
	require.NoError(t, err)
	defer file.Close()
	tensor := func(name string) safetensors.Tensor {
		x, err := file.Tensor(name)
		require.NoError(t, err)
		return x
	}
	floats := func(name string) []float32 {
		x, err := tensor(name).Float32s()
		require.NoError(t, err)
		return x
	}
	ids, err := tensor("input_ids").Ints()
	require.NoError(t, err)
	mask, err := tensor("attention_mask").Ints()
	require.NoError(t, err)
	rows, width := tensor("input_ids").Shape[0], tensor("input_ids").Shape[1]
	sequences := make([][]int, rows)
	for i := range sequences {
		n := 0
		for _, m := range mask[i*width : (i+1)*width] {
			n += m
		}
		sequences[i] = ids[i*width : i*width+n]
	}
	eachBackend(t, func(t *testing.T, b *accel.Backend) {
		e, err := New(b, cfg, w, nil)
		require.NoError(t, err)
		defer e.Close()
		for _, padded := range []int{width, 64} { // more padding changes nothing
			vectors, hidden, err := e.compute(sequences, rows, padded, true)
			require.NoError(t, err)
			want := floats("hidden")
			d := cfg.HiddenSize
			for i, ids := range sequences {
				for j := range ids {
					require.InDeltaSlice(t, want[(i*width+j)*d:][:d], hidden[(i*padded+j)*d:][:d], 1e-4, "text %d, token %d", i, j)
				}
			}
			require.InDeltaSlice(t, floats("embedding"), vectors, 1e-4)
		}
	})
}
