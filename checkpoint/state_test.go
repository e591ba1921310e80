package checkpoint

import (
	"bytes"
	"errors"
	"math"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"searchrl/safetensors"
)

func TestStateIsReadBack(t *testing.T) {
	state := State{
		Tensors: Weights{"a/weight": {Shape: []int{2, 1}, Data: []float32{1.5, math.SmallestNonzeroFloat32}}, "b": {Shape: []int{}, Data: []float32{-3}}},
		Counts:  map[string]int{"steps": 12, "critic/steps": 0},
	}
	var file bytes.Buffer
	require.NoError(t, WriteState(&file, state))
	back, err := ReadState(fstest.MapFS{"s": {Data: file.Bytes()}}, "s")
	require.NoError(t, err)
	require.Equal(t, state.Counts, back.Counts)
	require.Equal(t, state.Tensors["a/weight"], back.Tensors["a/weight"])
	require.Equal(t, []float32{-3}, back.Tensors["b"].Data)
	require.ErrorContains(t, WriteState(full{}, state), "disk full")
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestStateRefuses(t *testing.T) {
	file := func(tensor safetensors.Tensor, metadata map[string]string) []byte {
		var b bytes.Buffer
		require.NoError(t, safetensors.Write(&b, map[string]safetensors.Tensor{"x": tensor}, metadata))
		return b.Bytes()
	}
	good := safetensors.FromFloat32s([]int{1}, []float32{1})
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"cut":        {file(good, nil)[:20], "safetensors"},
		"not finite": {file(safetensors.FromFloat32s([]int{1}, []float32{float32(math.NaN())}), nil), `"x"`},
		"half":       {file(safetensors.Tensor{DType: safetensors.F16, Shape: []int{1}, Data: []byte{0, 0}}, nil), `tensor "x" has dtype F16, want F32`},
		"odd count":  {file(good, map[string]string{"count.steps": "many"}), `steps is "many", expected a whole number`},
	} {
		_, err := ReadState(fstest.MapFS{"s": {Data: c.data}}, "s")
		require.ErrorContains(t, err, "reading the state of training from s: ", name)
		require.ErrorContains(t, err, c.want, name)
	}
	_, err := ReadState(fstest.MapFS{}, "s")
	require.ErrorContains(t, err, "s")
}
