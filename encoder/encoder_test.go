package encoder

import (
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"searchrl/accel"
	"searchrl/checkpoint"
	"searchrl/safetensors"
	"searchrl/tokenizer/wordpiece"
)

// tiny is a model of a few words.
func tiny(t testing.TB) (Config, checkpoint.Weights, *wordpiece.Tokenizer) {
	vocabulary := "[PAD]\n[UNK]\n[CLS]\n[SEP]\nquery\npassage\n:\nghent\nis\na\ncity\n##s\n"
	tok, err := wordpiece.Load(fstest.MapFS{"vocab.txt": {Data: []byte(vocabulary)}})
	require.NoError(t, err)
	cfg := Config{
		VocabSize: tok.VocabSize(), HiddenSize: 8, IntermediateSize: 12, Layers: 2, Heads: 2, MaxPositions: 40, TypeVocabSize: 2,
		LayerNormEps: 1e-12, Pooling: Mean, Normalise: true, MaxTokens: 40,
	}
	rng := rand.New(rand.NewPCG(1, 2))
	w := checkpoint.Weights{}
	for name, shape := range ParamShapes(cfg) {
		n := 1
		for _, extent := range shape {
			n *= extent
		}
		w[name] = &checkpoint.Tensor{Shape: shape, Data: make([]float32, n)}
	}
	for _, name := range w.Names() {
		for i := range w[name].Data {
			w[name].Data[i] = float32(rng.NormFloat64())
		}
	}
	return cfg, w, tok
}

// TestBatchesCannotBeSeen: a text's vector is the same alone, in company and in another order, up to float32's rounding.
func TestBatchesCannotBeSeen(t *testing.T) {
	cfg, w, tok := tiny(t)
	texts := []string{"", "ghent", "Ghent is a city", strings.Repeat("a city ", 30)}
	for i := range 40 {
		texts = append(texts, strings.Repeat("is a ", i%9)+"city")
	}
	eachBackend(t, func(t *testing.T, b *accel.Backend) {
		e, err := New(b, cfg, w, tok)
		require.NoError(t, err)
		defer e.Close()
		ctx := context.Background()
		all, err := e.Passages(ctx, texts)
		require.NoError(t, err)
		require.Len(t, all, len(texts))
		for i := range texts[:10] {
			alone, err := e.Passages(ctx, texts[i:i+1])
			require.NoError(t, err)
			require.InDeltaSlice(t, alone[0], all[i], 1e-5, "%q", texts[i])
			length := 0.0
			for _, x := range all[i] {
				length += float64(x) * float64(x)
			}
			require.InDelta(t, 1, length, 1e-6)
		}
		assert.LessOrEqual(t, e.Programs(), 8)
	})
}

// TestPrefixAndPooling: queries and passages get their prefix; CLS pooling is the first token's hidden state.
func TestPrefixAndPooling(t *testing.T) {
	cfg, w, tok := tiny(t)
	b, err := accel.Open("go")
	require.NoError(t, err)
	defer b.Close()
	ctx := context.Background()
	vector := func(cfg Config, f func(*Encoder) ([][]float32, error)) []float32 {
		e, err := New(b, cfg, w, tok)
		require.NoError(t, err)
		defer e.Close()
		vectors, err := f(e)
		require.NoError(t, err)
		return vectors[0]
	}
	plain := vector(cfg, func(e *Encoder) ([][]float32, error) { return e.Queries(ctx, []string{"query: ghent"}) })
	e5 := cfg
	e5.QueryPrefix, e5.PassagePrefix, err = Prefixes("e5")
	require.NoError(t, err)
	assert.Equal(t, plain, vector(e5, func(e *Encoder) ([][]float32, error) { return e.Queries(ctx, []string{"ghent"}) }))
	assert.NotEqual(t, plain, vector(e5, func(e *Encoder) ([][]float32, error) { return e.Passages(ctx, []string{"ghent"}) }))

	cls := cfg
	cls.Pooling, cls.Normalise = CLS, false
	e, err := New(b, cls, w, tok)
	require.NoError(t, err)
	defer e.Close()
	ids, err := tok.Encode("ghent is a city", cfg.MaxTokens)
	require.NoError(t, err)
	pooled, hidden, err := e.compute([][]int{ids}, 1, 16, true)
	require.NoError(t, err)
	assert.Equal(t, hidden[:cfg.HiddenSize], pooled)

	_, _, err = Prefixes("gte")
	assert.ErrorContains(t, err, `no prefixes are known for "gte"; expected e5, bge or none`)
}

func TestUse(t *testing.T) {
	cfg, w, tok := tiny(t)
	b, err := accel.Open("go")
	require.NoError(t, err)
	defer b.Close()
	ctx := context.Background()
	e, err := New(b, cfg, w, tok)
	require.NoError(t, err)
	same, err := New(b, cfg, w, tok)
	require.NoError(t, err)
	defer same.Close()
	assert.Equal(t, e.Digest(), same.Digest())
	w["encoder.layer.1.output.dense.bias"].Data[0]++
	other, err := New(b, cfg, w, tok)
	require.NoError(t, err)
	defer other.Close()
	assert.NotEqual(t, e.Digest(), other.Digest())

	for name, change := range map[string]func(*Config){
		"query prefix": func(c *Config) { c.QueryPrefix = "q" }, "passage prefix": func(c *Config) { c.PassagePrefix = "q" },
		"pooling": func(c *Config) { c.Pooling = CLS }, "length": func(c *Config) { c.Normalise = false },
		"longest text": func(c *Config) { c.MaxTokens-- }, "heads": func(c *Config) { c.Heads = 1 }, "epsilon": func(c *Config) { c.LayerNormEps *= 2 },
	} {
		changed := cfg
		change(&changed)
		assert.NotEqual(t, digest(cfg, w), digest(changed, w), name)
	}
	assert.Equal(t, other.Digest(), digest(cfg, w))

	none, err := e.Queries(ctx, nil)
	require.NoError(t, err)
	assert.Empty(t, none)
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	_, err = e.Queries(cancelled, []string{"a"})
	assert.ErrorIs(t, err, context.Canceled)
	e.Close()
	e.Close()
	_, err = e.Queries(ctx, []string{"a"})
	assert.ErrorIs(t, err, errClosed)

	delete(w, "embeddings.LayerNorm.bias")
	_, err = New(b, cfg, w, tok)
	assert.ErrorContains(t, err, "36 tensors, expected 37")
	cfg.VocabSize--
	_, err = New(b, cfg, w, tok)
	assert.ErrorContains(t, err, "the tokenizer has 12 ids, the model 11")
}

// folder writes a model as a folder: config.json with the edits, and the weights under the names that rename gives.
func folder(t *testing.T, edit map[string]any, rename func(string) string, extra map[string]string) fstest.MapFS {
	cfg, w, _ := tiny(t)
	c := map[string]any{
		"model_type": "bert", "architectures": []string{"BertModel"}, "vocab_size": cfg.VocabSize, "hidden_size": cfg.HiddenSize,
		"intermediate_size": cfg.IntermediateSize, "num_hidden_layers": cfg.Layers, "num_attention_heads": cfg.Heads, "max_position_embeddings": cfg.MaxPositions,
	}
	for key, value := range edit {
		c[key] = value
	}
	text, err := json.Marshal(c)
	require.NoError(t, err)
	tensors := map[string]safetensors.Tensor{}
	for name, x := range w {
		if name = rename(name); name != "" {
			tensors[name] = safetensors.FromFloat32s(x.Shape, x.Data)
		}
	}
	var file strings.Builder
	require.NoError(t, safetensors.Write(&file, tensors, nil))
	fsys := fstest.MapFS{"config.json": {Data: text}, "model.safetensors": {Data: []byte(file.String())}}
	for name, text := range extra {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

func same(name string) string { return name }

func TestLoad(t *testing.T) {
	cfg, w, _ := tiny(t)
	found, weights, err := Load(folder(t, nil, same, nil))
	require.NoError(t, err)
	assert.Equal(t, cfg, found)
	assert.Equal(t, w, weights)
	_, weights, err = Load(folder(t, nil, func(name string) string { return "bert." + name }, nil))
	require.NoError(t, err)
	assert.Equal(t, w, weights)

	found, _, err = Load(folder(t, nil, same, map[string]string{
		"1_Pooling/config.json":             `{"word_embedding_dimension": 8, "pooling_mode_cls_token": true}`,
		"modules.json":                      `[{"type": "sentence_transformers.models.Transformer"}, {"type": "sentence_transformers.models.Pooling"}]`,
		"sentence_bert_config.json":         `{"max_seq_length": 24}`,
		"config_sentence_transformers.json": `{"prompts": {"query": "q: ", "document": "d: "}}`,
	}))
	require.NoError(t, err)
	cfg.Pooling, cfg.Normalise, cfg.MaxTokens, cfg.QueryPrefix, cfg.PassagePrefix = CLS, false, 24, "q: ", "d: "
	assert.Equal(t, cfg, found)
}

// TestBadFolders: what is not computed here is refused with its name.
func TestBadFolders(t *testing.T) {
	drop := func(gone string) func(string) string {
		return func(name string) string {
			if name == gone {
				return ""
			}
			return name
		}
	}
	for want, fsys := range map[string]fstest.MapFS{
		`model_type "xlm-roberta" is not supported`:             folder(t, map[string]any{"model_type": "xlm-roberta"}, same, nil),
		`architecture "NomicBertModel" is not supported`:        folder(t, map[string]any{"architectures": []string{"NomicBertModel"}}, same, nil),
		`hidden_act "relu" is not supported`:                    folder(t, map[string]any{"hidden_act": "relu"}, same, nil),
		`position_embedding_type "relative_key"`:                folder(t, map[string]any{"position_embedding_type": "relative_key"}, same, nil),
		"is_decoder is true":                                    folder(t, map[string]any{"is_decoder": true}, same, nil),
		"hidden_size (9) is not a multiple":                     folder(t, map[string]any{"hidden_size": 9}, same, nil),
		"num_hidden_layers is 0, want 1 to":                     folder(t, map[string]any{"num_hidden_layers": 0}, same, nil),
		"vocab_size is -5":                                      folder(t, map[string]any{"vocab_size": -5}, same, nil),
		"layer_norm_eps is 2":                                   folder(t, map[string]any{"layer_norm_eps": 2}, same, nil),
		`shape [12 8], want [13 8]`:                             folder(t, map[string]any{"vocab_size": 13}, same, nil),
		`missing ["encoder.layer.0.output.dense.bias"]`:         folder(t, nil, drop("encoder.layer.0.output.dense.bias"), nil),
		`missing ["encoder.layer.2.`:                            folder(t, map[string]any{"num_hidden_layers": 3}, same, nil),
		"only pooling by mean tokens alone":                     folder(t, nil, same, map[string]string{"1_Pooling/config.json": `{"pooling_mode_max_tokens": true}`}),
		`module "sentence_transformers.models.Dense" is not`:    folder(t, nil, same, map[string]string{"modules.json": `[{"type": "sentence_transformers.models.Dense"}]`}),
		"the longest text is 1 tokens, want 2 to 40":            folder(t, nil, same, map[string]string{"sentence_bert_config.json": `{"max_seq_length": 1}`}),
		"config.json is not as expected":                        {"config.json": {Data: []byte("[")}},
		"opening config.json":                                   {},
		"it needs config.json, and model.safetensors or model.": {"config.json": folder(t, nil, same, nil)["config.json"]},
	} {
		_, _, err := Load(fsys)
		assert.ErrorContains(t, err, want)
	}
	_, err := Open(nil, folder(t, nil, same, nil), nil)
	assert.ErrorContains(t, err, "neither tokenizer.json nor vocab.txt is there")
}

// TestNotFinite: weights that overflow give an error, not a vector.
func TestNotFinite(t *testing.T) {
	cfg, w, tok := tiny(t)
	for i := range w["encoder.layer.1.output.LayerNorm.weight"].Data {
		w["encoder.layer.1.output.LayerNorm.weight"].Data[i] = math.MaxFloat32
	}
	b, err := accel.Open("go")
	require.NoError(t, err)
	defer b.Close()
	e, err := New(b, cfg, w, tok)
	require.NoError(t, err)
	defer e.Close()
	_, err = e.Queries(context.Background(), []string{"ghent"})
	require.ErrorContains(t, err, "an embedding is not finite")
}

// TestMiniLM compares ids and embeddings of real questions and passages with those that sentence-transformers gives:
// testdata/reference.py writes the folder that SEARCHRL_MINILM names.
func TestMiniLM(t *testing.T) {
	dir := os.Getenv("SEARCHRL_MINILM")
	if dir == "" {
		t.Skip("SEARCHRL_MINILM does not name the folder that encoder/testdata/reference.py writes")
	}
	text, err := os.ReadFile(dir + "/texts.jsonl")
	require.NoError(t, err)
	var texts []string
	tok, err := wordpiece.Load(os.DirFS(dir + "/model"))
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		var c struct {
			Text string `json:"text"`
			IDs  []int  `json:"ids"`
		}
		require.NoError(t, json.Unmarshal([]byte(line), &c))
		ids, err := tok.Encode(c.Text, 256)
		require.NoError(t, err)
		require.Equal(t, c.IDs, ids, "%q", c.Text)
		texts = append(texts, c.Text)
	}
	require.GreaterOrEqual(t, len(texts), 200)
	file, err := safetensors.Open(os.DirFS(dir), "golden.safetensors")
	require.NoError(t, err)
	defer file.Close()
	golden, err := file.Tensor("embeddings")
	require.NoError(t, err)
	want, err := golden.Float32s()
	require.NoError(t, err)
	eachBackend(t, func(t *testing.T, b *accel.Backend) {
		e, err := Open(b, os.DirFS(dir+"/model"), nil)
		require.NoError(t, err)
		defer e.Close()
		texts := texts
		if b.Kind() == accel.Go && testing.Short() {
			texts = texts[:50]
		}
		vectors, err := e.Passages(context.Background(), texts)
		require.NoError(t, err)
		worst := 0.0
		for i, v := range vectors {
			for j, x := range v {
				worst = max(worst, math.Abs(float64(x-want[i*e.Dim()+j])))
			}
		}
		t.Logf("%d texts, largest difference of an element %.2g", len(texts), worst)
		require.Less(t, worst, 1e-5)
	})
}
