package warmstart

import (
	"fmt"
	"math/rand/v2"

	"searchrl/checkpoint"
	"searchrl/tinyworld"
	"searchrl/tokenizer"
)

// Adopt gives a policy the level's tokenizer: the embeddings of tokens that its own tokenizer has too are carried over, and
// those of new tokens begin, up to noise, at the mean of the bytes', which the policy knows as tokens that hardly ever come.
// The shape is the policy's but for the size of the vocabulary. Only policies with tied embeddings can be adopted.
func Adopt(level tinyworld.Level, cfg checkpoint.Config, from checkpoint.Weights, own *tokenizer.Tokenizer, rng *rand.Rand) (checkpoint.Config, checkpoint.Weights, error) {
	tok, err := tinyworld.Tokenizer(level)
	if err != nil {
		return cfg, nil, err
	}
	const name = "model.embed_tokens.weight"
	old, ok := from[name]
	if !ok || !cfg.TieEmbeddings {
		return cfg, nil, fmt.Errorf("adopting a policy: expected one with tied embeddings")
	}
	width := cfg.HiddenSize
	row := func(id int) []float32 { return old.Data[id*width : (id+1)*width] }
	mean := make([]float32, width)
	const bytes = 256
	for id := range bytes {
		for j, x := range row(id) {
			mean[j] += x / bytes
		}
	}
	data := make([]float32, 0, tok.VocabSize()*width)
	for id := range tok.VocabSize() {
		spelling, _ := tok.Token(id)
		if before, ok := own.ID(spelling); ok {
			data = append(data, row(before)...)
			continue
		}
		for j := range width {
			data = append(data, mean[j]+.02*float32(rng.NormFloat64()))
		}
	}
	cfg.VocabSize = tok.VocabSize()
	if eos, ok := tok.EOS(); ok {
		cfg.EOS = []int{eos}
	}
	adopted := checkpoint.Weights{}
	for n, t := range from {
		adopted[n] = t
	}
	adopted[name] = &checkpoint.Tensor{Shape: []int{cfg.VocabSize, width}, Data: data}
	return cfg, adopted, adopted.Check(cfg)
}
