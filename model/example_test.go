package model_test

import (
	"context"
	"fmt"
	"math/rand/v2"

	"searchrl/accel"
	"searchrl/checkpoint"
	"searchrl/grpo"
	"searchrl/model"
	"searchrl/rollout"
)

// A tiny random model on the pure-Go backend learns a sequence by heart and recites it.
func Example() {
	backend, err := accel.Open("go")
	if err != nil {
		panic(err)
	}
	defer backend.Close()
	cfg := checkpoint.Config{
		VocabSize: 20, HiddenSize: 16, IntermediateSize: 24, Layers: 1, Heads: 2, KVHeads: 1, HeadDim: 8,
		RMSNormEps: 1e-6, RopeTheta: 10000, TieEmbeddings: true, MaxPositions: 64,
	}
	m, err := model.New(backend, cfg, checkpoint.Init(cfg, rand.New(rand.NewPCG(1, 2))), nil, model.Options{})
	if err != nil {
		panic(err)
	}
	defer m.Close()

	ctx := context.Background()
	tree := &rollout.Tree{}
	tree.Add(rollout.Segment{Parent: rollout.NoParent, Kind: rollout.Prompt, Tokens: []int{3, 1, 4, 1, 5, 9, 2, 6}})
	batch := grpo.Batch{Trees: []*rollout.Tree{tree}}
	for j := 1; j < 8; j++ {
		batch.Targets = append(batch.Targets, grpo.Target{Index: j, Weight: 1. / 7})
	}
	for range 200 {
		if _, err := m.Imitate(ctx, batch, grpo.AdamW{LearningRate: .01, Beta1: .9, Beta2: .999, Epsilon: 1e-8}); err != nil {
			panic(err)
		}
	}
	out, err := m.Generate(ctx, []rollout.GenerateRequest{{Prefix: []int{3, 1}, N: 1, MaxTokens: 6}})
	if err != nil {
		panic(err)
	}
	fmt.Println(out[0][0].Tokens)
	// Output: [4 1 5 9 2 6]
}
