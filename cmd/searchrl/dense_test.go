package main

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"searchrl/encoder"
	"searchrl/safetensors"
)

// writeTinyEncoder writes an encoder with random weights that knows the letters.
func writeTinyEncoder(dir string) error {
	vocabulary := "[PAD]\n[UNK]\n[CLS]\n[SEP]\n"
	for letter := 'a'; letter <= 'z'; letter++ {
		vocabulary += string(letter) + "\n##" + string(letter) + "\n"
	}
	cfg := encoder.Config{VocabSize: 56, HiddenSize: 16, IntermediateSize: 32, Layers: 1, Heads: 2, MaxPositions: 64, TypeVocabSize: 2}
	config, err := json.Marshal(map[string]any{"model_type": "bert", "vocab_size": cfg.VocabSize, "hidden_size": cfg.HiddenSize,
		"intermediate_size": cfg.IntermediateSize, "num_hidden_layers": cfg.Layers, "num_attention_heads": cfg.Heads, "max_position_embeddings": cfg.MaxPositions})
	if err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(1, 1))
	tensors := map[string]safetensors.Tensor{}
	shapes := encoder.ParamShapes(cfg)
	var names []string
	for name := range shapes {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		n := 1
		for _, extent := range shapes[name] {
			n *= extent
		}
		values := make([]float32, n)
		for i := range values {
			values[i] = float32(rng.NormFloat64())
		}
		tensors[name] = safetensors.FromFloat32s(shapes[name], values)
	}
	var weights bytes.Buffer
	if err := safetensors.Write(&weights, tensors, nil); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, data := range map[string][]byte{"config.json": config, "vocab.txt": []byte(vocabulary), "model.safetensors": weights.Bytes()} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
