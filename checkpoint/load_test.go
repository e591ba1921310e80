package checkpoint_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"searchrl/checkpoint"
	"searchrl/safetensors"
)

var tiny = checkpoint.Config{
	VocabSize: 12, HiddenSize: 8, IntermediateSize: 6, Layers: 2, Heads: 2, KVHeads: 1, HeadDim: 4, RMSNormEps: 1e-6,
	RopeTheta: 10000, TieEmbeddings: true, MaxPositions: 32,
}

func tinyWeights(cfg checkpoint.Config) checkpoint.Weights {
	return checkpoint.Init(cfg, rand.New(rand.NewPCG(1, 2)))
}

// rawTensors returns w as the content of a safetensors file.
func rawTensors(w checkpoint.Weights) map[string]safetensors.Tensor {
	out := map[string]safetensors.Tensor{}
	for name, t := range w {
		out[name] = safetensors.FromFloat32s(t.Shape, t.Data)
	}
	return out
}

func encode(t testing.TB, tensors map[string]safetensors.Tensor) []byte {
	var b bytes.Buffer
	require.NoError(t, safetensors.Write(&b, tensors, map[string]string{"format": "pt"}))
	return b.Bytes()
}

// entries is config.json of tiny.
func entries() map[string]any {
	return map[string]any{
		"architectures": []string{"Qwen2ForCausalLM"}, "model_type": "qwen2", "hidden_act": "silu",
		"vocab_size": 12, "hidden_size": 8, "intermediate_size": 6, "num_hidden_layers": 2, "num_attention_heads": 2,
		"num_key_value_heads": 1, "rms_norm_eps": 1e-6, "rope_theta": 10000.0, "tie_word_embeddings": true,
		"max_position_embeddings": 32, "use_sliding_window": false, "sliding_window": 16, "max_window_layers": 1,
	}
}

// folder is a model folder with tiny's weights and the given config.json.
func folder(t testing.TB, config map[string]any) fstest.MapFS {
	c, err := json.Marshal(config)
	require.NoError(t, err)
	return fstest.MapFS{"config.json": {Data: c}, "model.safetensors": {Data: encode(t, rawTensors(tinyWeights(tiny)))}}
}

func TestConfig(t *testing.T) {
	for _, test := range []struct {
		name       string
		change     func(c map[string]any)
		generation string
		want       func(c *checkpoint.Config)
	}{
		{"as it is", func(map[string]any) {}, "", func(*checkpoint.Config) {}},
		{"rope_theta in rope_parameters", func(c map[string]any) {
			delete(c, "rope_theta")
			c["rope_parameters"] = map[string]any{"rope_type": "default", "rope_theta": 500.0}
		}, "", func(c *checkpoint.Config) { c.RopeTheta = 500 }},
		{"rope_theta in both, equal", func(c map[string]any) {
			c["rope_parameters"] = map[string]any{"rope_type": "default", "rope_theta": 10000.0}
		}, "", func(*checkpoint.Config) {}},
		{"rope_scaling null", func(c map[string]any) { c["rope_scaling"] = nil }, "", func(*checkpoint.Config) {}},
		{"defaults", func(c map[string]any) {
			for _, name := range []string{"rope_theta", "rms_norm_eps", "max_position_embeddings", "hidden_act"} {
				delete(c, name)
			}
		}, "", func(c *checkpoint.Config) { c.MaxPositions = 32768 }},
		{"explicit head_dim", func(c map[string]any) { c["head_dim"] = 4 }, "", func(*checkpoint.Config) {}},
		{"head_dim null", func(c map[string]any) { c["head_dim"] = nil }, "", func(*checkpoint.Config) {}},
		{"eos id", func(c map[string]any) { c["eos_token_id"] = 3 }, "", func(c *checkpoint.Config) { c.EOS = []int{3} }},
		{"eos list", func(c map[string]any) { c["eos_token_id"] = []int{3, 4} }, "", func(c *checkpoint.Config) { c.EOS = []int{3, 4} }},
		{"eos null", func(c map[string]any) { c["eos_token_id"] = nil }, `{"eos_token_id":null}`, func(*checkpoint.Config) {}},
		{"eos of generation_config goes before", func(c map[string]any) { c["eos_token_id"] = 3 }, `{"eos_token_id":[5,6]}`,
			func(c *checkpoint.Config) { c.EOS = []int{5, 6} }},
		{"generation_config without eos", func(c map[string]any) { c["eos_token_id"] = 3 }, `{}`, func(c *checkpoint.Config) { c.EOS = []int{3} }},
		{"sliding window beyond the layers", func(c map[string]any) { c["use_sliding_window"] = true; c["max_window_layers"] = 2 }, "",
			func(*checkpoint.Config) {}},
		{"layer types", func(c map[string]any) { c["layer_types"] = []string{"full_attention", "full_attention"} }, "", func(*checkpoint.Config) {}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := entries()
			test.change(c)
			f := folder(t, c)
			if test.generation != "" {
				f["generation_config.json"] = &fstest.MapFile{Data: []byte(test.generation)}
			}
			want := tiny
			test.want(&want)
			got, w, err := checkpoint.Load(f)
			require.NoError(t, err)
			require.Equal(t, want, got)
			require.Equal(t, tinyWeights(tiny), w)
		})
	}
}

func TestBadConfig(t *testing.T) {
	set := func(name string, value any) func(map[string]any) { return func(c map[string]any) { c[name] = value } }
	for _, test := range []struct {
		name   string
		change func(c map[string]any)
		want   string
	}{
		{"another architecture", set("architectures", []string{"LlamaForCausalLM"}), `"LlamaForCausalLM" is not supported; supported is "Qwen2ForCausalLM"`},
		{"two architectures", set("architectures", []string{"Qwen2ForCausalLM", "X"}), "not supported"},
		{"no architecture", func(c map[string]any) { delete(c, "architectures"); c["model_type"] = "bert" }, `"bert" is not supported`},
		{"architectures is a string", set("architectures", "Qwen2ForCausalLM"), "config.json is not as expected"},
		{"other activation", set("hidden_act", "gelu"), `"gelu"`},
		{"no layers", set("num_hidden_layers", 0), "num_hidden_layers is 0"},
		{"10^9 layers", set("num_hidden_layers", 1_000_000_000), "num_hidden_layers is 1000000000"},
		{"negative layers", set("num_hidden_layers", -1), "num_hidden_layers is -1"},
		{"layers missing", set("num_hidden_layers", nil), "num_hidden_layers is missing"},
		{"layers as text", set("num_hidden_layers", "2"), "config.json is not as expected"},
		{"layers with a fraction", set("num_hidden_layers", 2.5), "config.json is not as expected"},
		{"2^63 layers", func(c map[string]any) { c["num_hidden_layers"] = json.Number("9223372036854775808") }, "config.json is not as expected"},
		{"huge vocabulary", set("vocab_size", 1<<40), "vocab_size"},
		{"huge width", set("hidden_size", 1<<30), "hidden_size"},
		{"zero vocabulary", set("vocab_size", 0), "vocab_size is 0"},
		{"no heads", set("num_attention_heads", 0), "num_attention_heads is 0"},
		{"heads do not divide", set("num_attention_heads", 3), "not a multiple of num_attention_heads"},
		{"key/value heads do not divide", func(c map[string]any) { c["num_attention_heads"] = 4; c["num_key_value_heads"] = 3 }, "num_key_value_heads (3)"},
		{"no key/value heads", set("num_key_value_heads", 0), "num_key_value_heads is 0"},
		{"odd head", set("head_dim", 3), "head_dim is 3"},
		{"heads × head_dim", func(c map[string]any) { c["head_dim"] = 1 << 20 }, "head_dim"},
		{"epsilon 0", set("rms_norm_eps", 0), "rms_norm_eps"},
		{"epsilon negative", set("rms_norm_eps", -1), "rms_norm_eps"},
		{"theta 0", set("rope_theta", 0), "rope_theta"},
		{"two thetas", set("rope_parameters", map[string]any{"rope_theta": 5.0}), "in one place"},
		{"scaled rope", set("rope_scaling", map[string]any{"type": "yarn", "factor": 4.0}), `"yarn"`},
		{"scaled rope, new layout", set("rope_parameters", map[string]any{"rope_type": "llama3", "rope_theta": 10000.0}), `"llama3"`},
		{"sliding window", set("use_sliding_window", true), "sliding-window"},
		{"sliding layer", set("layer_types", []string{"full_attention", "sliding_attention"}), "layer 1"},
		{"eos outside the vocabulary", set("eos_token_id", 12), "eos_token_id 12"},
		{"eos negative", set("eos_token_id", []int{1, -1}), "eos_token_id -1"},
		{"eos as text", set("eos_token_id", "x"), "eos_token_id"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := entries()
			test.change(c)
			_, _, err := checkpoint.Load(folder(t, c))
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestBadFolder(t *testing.T) {
	with := func(name, content string) func(fstest.MapFS) {
		return func(f fstest.MapFS) { f[name] = &fstest.MapFile{Data: []byte(content)} }
	}
	// weights changes the tensors of model.safetensors.
	weights := func(change func(w map[string]safetensors.Tensor)) func(fstest.MapFS) {
		return func(f fstest.MapFS) {
			w := rawTensors(tinyWeights(tiny))
			change(w)
			f["model.safetensors"] = &fstest.MapFile{Data: encode(t, w)}
		}
	}
	const q = "model.layers.1.self_attn.q_proj.weight"
	for _, test := range []struct {
		name   string
		change func(f fstest.MapFS)
		want   string
	}{
		{"no config.json", func(f fstest.MapFS) { delete(f, "config.json") }, "not a model folder"},
		{"no weights", func(f fstest.MapFS) { delete(f, "model.safetensors") }, "not a model folder"},
		{"config.json is not JSON", with("config.json", "{"), "config.json is not as expected"},
		{"config.json is empty", with("config.json", ""), "config.json is not as expected"},
		{"config.json is null", with("config.json", "null"), "architecture"},
		{"generation_config.json is not JSON", with("generation_config.json", "x"), "generation_config.json is not as expected"},
		{"generation_config.json holds nonsense", with("generation_config.json", `{"eos_token_id":{}}`), "generation_config.json: eos_token_id"},
		{"weights cut short", func(f fstest.MapFS) {
			f["model.safetensors"].Data = f["model.safetensors"].Data[:len(f["model.safetensors"].Data)-1]
		}, "model.safetensors: tensor"},
		{"weights are something else", with("model.safetensors", "PK\x03\x04 a zip file"), "longer than the limit"},
		{"weights are a folder", func(f fstest.MapFS) { delete(f, "model.safetensors"); with("model.safetensors/x", "")(f) }, "not a regular file"},
		{"tensor missing", weights(func(w map[string]safetensors.Tensor) { delete(w, q) }), `missing ["` + q + `"]`},
		{"many missing", weights(func(w map[string]safetensors.Tensor) { clear(w) }), "and 23 more tensors"},
		{"tensor too many", weights(func(w map[string]safetensors.Tensor) { w["extra"] = w[q] }), `not part of the model: ["extra"]`},
		{"tensor renamed", weights(func(w map[string]safetensors.Tensor) { w["extra"] = w[q]; delete(w, q) }), `missing ["` + q + `"]; not part`},
		{"wrong shape", weights(func(w map[string]safetensors.Tensor) {
			w[q] = safetensors.FromFloat32s([]int{4, 16}, make([]float32, 64))
		}), `"` + q + `" has shape [4 16], want [8 8]`},
		{"wrong dtype", weights(func(w map[string]safetensors.Tensor) {
			w[q] = safetensors.Tensor{DType: "I32", Shape: []int{8, 8}, Data: make([]byte, 256)}
		}), `"` + q + `" has dtype I32`},
		{"not a number", weights(func(w map[string]safetensors.Tensor) {
			data := make([]float32, 64)
			data[7] = float32(math.NaN())
			w[q] = safetensors.FromFloat32s([]int{8, 8}, data)
		}), `"` + q + `": element 7 is NaN`},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := folder(t, entries())
			test.change(f)
			_, _, err := checkpoint.Load(f)
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestTensorsThatAreIgnored(t *testing.T) {
	f := folder(t, entries())
	w := rawTensors(tinyWeights(tiny))
	w["lm_head.weight"] = w["model.embed_tokens.weight"]
	w["model.layers.0.self_attn.rotary_emb.inv_freq"] = safetensors.FromFloat32s([]int{2}, []float32{1, 0.01})
	f["model.safetensors"].Data = encode(t, w)
	_, got, err := checkpoint.Load(f)
	require.NoError(t, err)
	require.Equal(t, tinyWeights(tiny), got)
}

// sharded spreads tiny's weights over two shards and returns the folder with its index.
func sharded(t *testing.T) (fstest.MapFS, map[string]string) {
	f := folder(t, entries())
	delete(f, "model.safetensors")
	parts := []map[string]safetensors.Tensor{{}, {}}
	names := []string{"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"}
	index := map[string]string{}
	all := rawTensors(tinyWeights(tiny))
	for i, name := range slices.Sorted(maps.Keys(all)) {
		parts[i%2][name] = all[name]
		index[name] = names[i%2]
	}
	for i, part := range parts {
		f[names[i]] = &fstest.MapFile{Data: encode(t, part)}
	}
	return f, index
}

func setIndex(t *testing.T, f fstest.MapFS, index map[string]string) {
	content, err := json.Marshal(map[string]any{"metadata": map[string]any{"total_size": 1}, "weight_map": index})
	require.NoError(t, err)
	f["model.safetensors.index.json"] = &fstest.MapFile{Data: content}
}

func TestShards(t *testing.T) {
	f, index := sharded(t)
	setIndex(t, f, index)
	_, w, err := checkpoint.Load(f)
	require.NoError(t, err)
	require.Equal(t, tinyWeights(tiny), w)
}

func TestBadShards(t *testing.T) {
	const norm = "model.norm.weight"
	for _, test := range []struct {
		name   string
		change func(f fstest.MapFS, index map[string]string)
		want   string
	}{
		{"shard above the folder", func(_ fstest.MapFS, index map[string]string) { index[norm] = "../secret.safetensors" }, `shard "../secret.safetensors" is not`},
		{"shard elsewhere", func(_ fstest.MapFS, index map[string]string) { index[norm] = "/etc/passwd" }, `shard "/etc/passwd" is not`},
		{"shard in a folder below, then above", func(_ fstest.MapFS, index map[string]string) { index[norm] = "a/../../b" }, `is not a file name`},
		{"shard in a folder below", func(_ fstest.MapFS, index map[string]string) { index[norm] = "a/b.safetensors" }, `is not a file name`},
		{"backslashes", func(_ fstest.MapFS, index map[string]string) { index[norm] = `..\b.safetensors` }, `is not a file name`},
		{"drive letter", func(_ fstest.MapFS, index map[string]string) { index[norm] = `C:b` }, `is not a file name`},
		{"the folder itself", func(_ fstest.MapFS, index map[string]string) { index[norm] = "." }, `is not a file name`},
		{"no name", func(_ fstest.MapFS, index map[string]string) { index[norm] = "" }, `is not a file name`},
		{"NUL", func(_ fstest.MapFS, index map[string]string) { index[norm] = "a\x00b" }, "a"},
		{"shard missing", func(_ fstest.MapFS, index map[string]string) { index[norm] = "x.safetensors" }, "x.safetensors"},
		{"tensor in another shard", func(_ fstest.MapFS, index map[string]string) {
			for name, file := range index {
				if file != index[norm] {
					index[norm] = index[name]
					return
				}
			}
		}, `tensor "model.norm.weight" is not in shard`},
		{"tensor in no shard", func(_ fstest.MapFS, index map[string]string) { index["x"] = index[norm] }, `tensor "x" is not in shard`},
		{"tensor not in the index", func(_ fstest.MapFS, index map[string]string) { delete(index, norm) }, "does not list"},
		{"tensor in two shards", func(f fstest.MapFS, index map[string]string) {
			f["twin.safetensors"] = f[index[norm]]
			index["x"] = "twin.safetensors"
		}, "is in shard"},
		{"empty index", func(_ fstest.MapFS, index map[string]string) { clear(index) }, "missing"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f, index := sharded(t)
			test.change(f, index)
			setIndex(t, f, index)
			_, _, err := checkpoint.Load(f)
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), "\n")
		})
	}
	for name, content := range map[string]string{
		"not JSON": "{", "map is a list": `{"weight_map":[]}`, "file is a number": `{"weight_map":{"a":1}}`,
	} {
		t.Run(name, func(t *testing.T) {
			f, _ := sharded(t)
			f["model.safetensors.index.json"] = &fstest.MapFile{Data: []byte(content)}
			_, _, err := checkpoint.Load(f)
			require.ErrorContains(t, err, "model.safetensors.index.json is not as expected")
		})
	}
}

func TestInit(t *testing.T) {
	cfg := tiny
	cfg.HiddenSize, cfg.VocabSize, cfg.TieEmbeddings = 64, 500, false
	w := checkpoint.Init(cfg, rand.New(rand.NewPCG(1, 2)))
	require.NoError(t, w.Check(cfg))
	require.Equal(t, w, checkpoint.Init(cfg, rand.New(rand.NewPCG(1, 2))))
	for name, tensor := range w {
		sum := 0.0
		for _, v := range tensor.Data {
			sum += float64(v) * float64(v)
		}
		rms := math.Sqrt(sum / float64(len(tensor.Data)))
		switch {
		case strings.HasSuffix(name, "norm.weight"):
			require.Equal(t, 1.0, rms, name)
		case strings.HasSuffix(name, ".bias"):
			require.Zero(t, rms, name)
		default:
			require.InDelta(t, 0.02, rms, 0.004, name)
		}
	}
	clone := w.Clone()
	clone["model.norm.weight"].Data[0] = 5
	clone["model.norm.weight"].Shape[0] = 5
	require.EqualValues(t, 1, w["model.norm.weight"].Data[0])
	require.NoError(t, w.Check(cfg))
	require.Error(t, clone.Check(cfg))
}

func TestRotaryFrequencies(t *testing.T) {
	cfg := tiny
	require.Equal(t, []float32{1, 0.01}, cfg.RotaryFrequencies())
	cfg.RotaryBF16 = true
	require.Equal(t, []float32{1, 0.010009765625}, cfg.RotaryFrequencies()) // 164·2⁻¹⁴, the nearest with 8 bits
}

// FuzzConfig feeds anything as config.json; what is accepted must be sane.
func FuzzConfig(f *testing.F) {
	seed, err := json.Marshal(entries())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte(`{"architectures":["Qwen2ForCausalLM"],"eos_token_id":[1]}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		cfg, err := checkpoint.LoadConfig(fstest.MapFS{"config.json": {Data: content}})
		if err == nil {
			require.NoError(t, cfg.Validate())
		}
	})
}
