package checkpoint_test

import (
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/go-huggingface/hub"
	hfsafetensors "github.com/gomlx/go-huggingface/models/safetensors"
	gomlx "github.com/gomlx/gomlx/core/tensors"
	"github.com/stretchr/testify/require"

	"searchrl/checkpoint"
)

// TestAnotherReaderAgrees: what Save writes is read by go-huggingface, whose reader shares nothing with ours.
func TestAnotherReaderAgrees(t *testing.T) {
	cfg := checkpoint.Config{
		VocabSize: 11, HiddenSize: 8, IntermediateSize: 12, Layers: 2, Heads: 4, KVHeads: 2, HeadDim: 2,
		RMSNormEps: 1e-6, RopeTheta: 1e4, MaxPositions: 64,
	}
	weights := checkpoint.Init(cfg, rand.New(rand.NewPCG(1, 2)))
	dir := t.TempDir()
	require.NoError(t, checkpoint.Save(dir, cfg, weights))

	backend, err := gobackend.New("ops_sequential")
	require.NoError(t, err)
	defer backend.Finalize()
	model, err := hfsafetensors.New(hub.NewLocal(dir))
	require.NoError(t, err)
	seen := 0
	for read, err := range model.IterTensors(backend) {
		require.NoError(t, err)
		want, ok := weights[read.Name]
		require.True(t, ok, read.Name)
		require.Equal(t, want.Shape, read.Tensor.Shape().Dimensions, read.Name)
		got, err := gomlx.CopyFlatData[float32](read.Tensor)
		require.NoError(t, err)
		require.Equal(t, want.Data, got, read.Name)
		seen++
	}
	require.Len(t, weights, seen)
}
