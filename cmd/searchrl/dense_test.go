package main

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/encoder"
	"searchrl/safetensors"
)

// TestVectorsIdentity: the protocol hash names vectors by their content, wherever they lie, and what is joined to them.
func TestVectorsIdentity(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	require.NoError(t, writeTinyEncoder(at("encoder")))
	require.NoError(t, os.WriteFile(at("corpus.jsonl"), []byte(`{"id":"1","text":"Besk lies on the Orlo."}`+"\n"), 0o600))
	command := func(args ...string) {
		var out, errOut bytes.Buffer
		require.Equal(t, exitDone, run(append([]string{"index", "--corpus", at("corpus.jsonl")}, args...), &out, &errOut), errOut.String())
	}
	command("--out", at("index"))
	command("--dense", at("encoder"), "--out", at("vectors"))
	command("--dense", at("encoder"), "--out", at("small"), "--precision", "int8")
	identity := func(searcher, analysis string) string {
		name, err := searcherFlags{Searcher: searcher, Analysis: analysis}.identity()
		require.NoError(t, err)
		return name
	}
	seen := map[string]bool{}
	for _, name := range []string{identity("dense:"+at("vectors"), "words"), identity("dense:"+at("small"), "words"), identity(at("index"), "words"),
		identity("hybrid:"+at("vectors"), "words"), identity("hybrid:"+at("vectors"), "bm25s")} {
		require.False(t, seen[name], name)
		require.NotContains(t, name, dir)
		seen[name] = true
	}
	before := identity("hybrid:"+at("vectors"), "words")
	require.NoError(t, os.Rename(at("vectors"), at("elsewhere")))
	require.Equal(t, before, identity("hybrid:"+at("elsewhere"), "words"))
	_, err := searcherFlags{Searcher: "dense:" + at("vectors")}.identity()
	require.Equal(t, exitUnusable, exitCode(err))
}

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
