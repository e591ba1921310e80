package model

import (
	"bytes"
	"maps"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"searchrl/accel"
	"searchrl/checkpoint"
	"searchrl/grpo"
)

// through writes a state and reads it again.
func through(t *testing.T, s checkpoint.State) checkpoint.State {
	t.Helper()
	var file bytes.Buffer
	require.NoError(t, checkpoint.WriteState(&file, s))
	back, err := checkpoint.ReadState(fstest.MapFS{"state": {Data: file.Bytes()}}, "state")
	require.NoError(t, err)
	require.Equal(t, s, back)
	return back
}

// TestTrainingGoesOn: a new model that is given the state trains as the old one does, to the bit, policy and critic.
func TestTrainingGoesOn(t *testing.T) {
	small := tiny
	small.Layers = 1
	eachBackend(t, func(t *testing.T, b *accel.Backend) {
		tokens := []int{1, 2, 3, 4, 5, 6, 7, 8}
		for name, withCritic := range map[string]bool{"policy": false, "policy and critic": true} {
			if withCritic && b.Kind() != accel.Go {
				continue // nothing else to compile, and XLA takes long to
			}
			t.Run(name, func(t *testing.T) {
				train := func(m *Model, steps int) {
					for range steps {
						if withCritic {
							_, err := m.Fit(t.Context(), valued(tokens), grpo.ValueLoss{Clip: .2}, criticStep)
							require.NoError(t, err)
						}
						_, err := m.Imitate(t.Context(), imitationBatch(tokens), imitationAdam)
						require.NoError(t, err)
					}
				}
				old := newModel(t, b, small, Options{})
				train(old, 3)
				stopped, err := old.State()
				require.NoError(t, err)
				train(old, 2)
				want, err := old.State()
				require.NoError(t, err)

				other := newModel(t, b, small, Options{})
				train(other, 1) // whatever it has done
				require.NoError(t, other.SetState(through(t, stopped)))
				at, err := other.State()
				require.NoError(t, err)
				require.Equal(t, stopped, at)
				train(other, 2)
				got, err := other.State()
				require.NoError(t, err)
				require.Equal(t, want, got)

				// The decoder on the host sees the new weights, too.
				weights, err := other.Weights()
				require.NoError(t, err)
				for name, tensor := range weights {
					require.Equal(t, want.Tensors[policyPart+"weight/"+name], tensor)
				}
			})
		}
	})
}

// TestStateBeforeTheFirstStep: there are no moments yet, and a critic that has one already goes.
func TestStateBeforeTheFirstStep(t *testing.T) {
	b := openBackend(t, "go")
	m := newModel(t, b, tiny, Options{})
	fresh, err := m.State()
	require.NoError(t, err)
	require.Len(t, fresh.Tensors, len(checkpoint.ParamShapes(tiny)))
	_, err = m.Fit(t.Context(), valued([]int{1, 2, 3}), grpo.ValueLoss{}, criticStep)
	require.NoError(t, err)
	_, err = m.Imitate(t.Context(), imitationBatch([]int{1, 2, 3}), imitationAdam)
	require.NoError(t, err)
	require.NoError(t, m.SetState(through(t, fresh)))
	again, err := m.State()
	require.NoError(t, err)
	require.Equal(t, fresh, again)
}

func TestStateOfAnotherModel(t *testing.T) {
	b := openBackend(t, "go")
	m := newModel(t, b, tiny, Options{})
	_, err := m.Fit(t.Context(), valued([]int{1, 2, 3}), grpo.ValueLoss{}, criticStep)
	require.NoError(t, err)
	state, err := m.State()
	require.NoError(t, err)
	for name, c := range map[string]struct {
		change func(s checkpoint.State)
		want   string
	}{
		"no count":   {func(s checkpoint.State) { delete(s.Counts, "policy/steps") }, "lacks the count policy/steps"},
		"no tensor":  {func(s checkpoint.State) { delete(s.Tensors, "policy/weight/model.norm.weight") }, "lacks policy/weight/model.norm.weight"},
		"no moments": {func(s checkpoint.State) { s.Counts["policy/steps"] = 1 }, "lacks policy/first/"},
		"one more":   {func(s checkpoint.State) { s.Tensors["policy/x"] = &checkpoint.Tensor{} }, "has tensors that the model lacks"},
		"another shape": {func(s checkpoint.State) {
			s.Tensors["policy/weight/model.norm.weight"] = &checkpoint.Tensor{Shape: []int{3}}
		}, "has shape [3], expected [16]"},
		"half a critic":   {func(s checkpoint.State) { delete(s.Tensors, "critic/second/value_head.bias") }, "lacks critic/second/value_head.bias"},
		"negative counts": {func(s checkpoint.State) { s.Counts["critic/steps"] = -1 }, "lacks the count critic/steps"},
	} {
		t.Run(name, func(t *testing.T) {
			other := checkpoint.State{Tensors: maps.Clone(state.Tensors), Counts: maps.Clone(state.Counts)}
			c.change(other)
			require.ErrorContains(t, newModel(t, b, tiny, Options{}).SetState(other), c.want)
		})
	}
	m.Close()
	require.ErrorIs(t, m.SetState(state), errClosed)
	_, err = m.State()
	require.ErrorIs(t, err, errClosed)
}
