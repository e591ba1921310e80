package checkpoint_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"searchrl/checkpoint"
)

func names(t *testing.T, dir string) []string {
	list, err := os.ReadDir(dir)
	require.NoError(t, err)
	var out []string
	for _, entry := range list {
		out = append(out, entry.Name())
	}
	return out
}

func TestSaveAndLoad(t *testing.T) {
	untied := tiny
	untied.TieEmbeddings = false
	eos := tiny
	eos.EOS = []int{3}
	list := tiny
	list.EOS = []int{3, 5}
	wide := tiny
	wide.HeadDim = 10
	for _, cfg := range []checkpoint.Config{tiny, untied, eos, list, wide} {
		dir := filepath.Join(t.TempDir(), "model")
		w := tinyWeights(cfg)
		require.NoError(t, checkpoint.Save(dir, cfg, w))
		require.Equal(t, []string{"config.json", "generation_config.json", "model.safetensors"}, names(t, dir))
		require.Equal(t, []string{"model"}, names(t, filepath.Dir(dir)), "nothing temporary is left")
		got, again, err := checkpoint.Load(os.DirFS(dir))
		require.NoError(t, err)
		require.Equal(t, cfg, got)
		require.Equal(t, w, again)
	}
}

// Entries that transformers checks for being floats keep their decimal point; rope_theta is where all its releases look.
func TestSavedConfig(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "model")
	cfg := tiny
	cfg.RopeTheta = 1e6
	require.NoError(t, checkpoint.Save(dir, cfg, tinyWeights(cfg)))
	content, err := os.ReadFile(filepath.Join(dir, "config.json"))
	require.NoError(t, err)
	var raw map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(content, &raw))
	for name, want := range map[string]string{
		"architectures": "[\n    \"Qwen2ForCausalLM\"\n  ]", "model_type": `"qwen2"`, "rope_theta": "1000000.0", "rms_norm_eps": "1e-06",
		"attention_dropout": "0.0", "initializer_range": "0.02", "torch_dtype": `"float32"`, "head_dim": "4", "hidden_act": `"silu"`,
		"tie_word_embeddings": "true", "eos_token_id": "null", "use_sliding_window": "false",
	} {
		require.Equal(t, want, string(raw[name]), name)
	}
}

func TestSaveOverAnOldOne(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "metrics.jsonl"), []byte("kept"), 0o600))
	require.NoError(t, checkpoint.Save(dir, tiny, tinyWeights(tiny)))
	second := checkpoint.Init(tiny, rand.New(rand.NewPCG(3, 4)))
	require.NoError(t, checkpoint.Save(dir, tiny, second))
	_, got, err := checkpoint.Load(os.DirFS(dir))
	require.NoError(t, err)
	require.Equal(t, second, got)
	require.Equal(t, []string{"config.json", "generation_config.json", "metrics.jsonl", "model.safetensors"}, names(t, dir))
}

func TestSaveCopiesTheTokenizer(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "model")
	source := fstest.MapFS{
		"tokenizer.json": {Data: []byte("{}")}, "tokenizer_config.json": {Data: []byte("[]")}, "other": {}, "config.json": {Data: []byte("not this")},
	}
	require.NoError(t, checkpoint.Save(dir, tiny, tinyWeights(tiny), checkpoint.WithTokenizer(source)))
	require.Equal(t, []string{"config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}, names(t, dir))
	content, err := os.ReadFile(filepath.Join(dir, "tokenizer.json"))
	require.NoError(t, err)
	require.Equal(t, "{}", string(content))
	_, _, err = checkpoint.Load(os.DirFS(dir))
	require.NoError(t, err)
}

func TestSaveErrors(t *testing.T) {
	w := tinyWeights(tiny)
	t.Run("a file is in the way", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "file")
		require.NoError(t, os.WriteFile(path, []byte("precious"), 0o600))
		require.ErrorContains(t, checkpoint.Save(path, tiny, w), "no folder")
		require.Error(t, checkpoint.Save(filepath.Join(path, "below"), tiny, w))
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, "precious", string(content))
	})
	t.Run("wrong weights leave the old ones", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "model")
		require.NoError(t, checkpoint.Save(dir, tiny, w))
		bad := w.Clone()
		delete(bad, "model.norm.weight")
		require.ErrorContains(t, checkpoint.Save(dir, tiny, bad), "model.norm.weight")
		_, got, err := checkpoint.Load(os.DirFS(dir))
		require.NoError(t, err)
		require.Equal(t, w, got)
	})
	t.Run("not writable", func(t *testing.T) {
		if os.Geteuid() == 0 {
			t.Skip("root may write everywhere")
		}
		dir := t.TempDir()
		require.NoError(t, os.Chmod(dir, 0o500))
		require.ErrorIs(t, checkpoint.Save(filepath.Join(dir, "model"), tiny, w), os.ErrPermission)
	})
	t.Run("a tokenizer that cannot be read leaves nothing behind", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "model")
		source := fstest.MapFS{"tokenizer.json/x": {}} // a folder of that name
		require.ErrorContains(t, checkpoint.Save(dir, tiny, w, checkpoint.WithTokenizer(source)), "tokenizer")
		require.Empty(t, names(t, filepath.Dir(dir)))
	})
}

func Example() {
	cfg := checkpoint.Config{
		VocabSize: 100, HiddenSize: 16, IntermediateSize: 40, Layers: 2, Heads: 2, KVHeads: 1, HeadDim: 8,
		RMSNormEps: 1e-6, RopeTheta: 10000, TieEmbeddings: true, MaxPositions: 512,
	}
	parent, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(parent) }()
	dir := filepath.Join(parent, "model")
	if err := checkpoint.Save(dir, cfg, checkpoint.Init(cfg, rand.New(rand.NewPCG(1, 2)))); err != nil {
		fmt.Println(err)
		return
	}
	loaded, weights, err := checkpoint.Load(os.DirFS(dir))
	fmt.Println(loaded.Layers, weights["model.layers.0.mlp.up_proj.weight"].Shape, err)
	// Output: 2 [40 16] <nil>
}
