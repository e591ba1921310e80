package encoder

import (
	"fmt"
	"io/fs"
	"strings"

	"searchrl/checkpoint"
)

// Load reads the configuration and the weights of the model folder at the root of fsys, in the Hugging Face layout. The
// weights may carry a leading "bert."; heads that a text's embedding does not need (the pooler, the language model's) are
// left out.
func Load(fsys fs.FS) (Config, checkpoint.Weights, error) {
	cfg, err := LoadConfig(fsys)
	if err != nil {
		return Config{}, nil, err
	}
	w, err := checkpoint.LoadTensors(fsys, ParamShapes(cfg), func(name string) (string, bool) {
		name = strings.TrimPrefix(name, "bert.")
		unneeded := strings.HasPrefix(name, "pooler.") || strings.HasPrefix(name, "cls.") || name == "embeddings.position_ids"
		return name, !unneeded
	})
	if err != nil {
		return Config{}, nil, fmt.Errorf("encoder: loading a model: %w", err)
	}
	return cfg, w, nil
}

// ParamShapes returns the shape of every parameter of an encoder of configuration cfg, by its Hugging Face name. Matrices
// are [out, in], as in PyTorch: y = W·x + b.
func ParamShapes(cfg Config) map[string][]int {
	d, f := cfg.HiddenSize, cfg.IntermediateSize
	shapes := map[string][]int{
		"embeddings.word_embeddings.weight":       {cfg.VocabSize, d},
		"embeddings.position_embeddings.weight":   {cfg.MaxPositions, d},
		"embeddings.token_type_embeddings.weight": {cfg.TypeVocabSize, d},
		"embeddings.LayerNorm.weight":             {d},
		"embeddings.LayerNorm.bias":               {d},
	}
	for n := range cfg.Layers {
		for name, shape := range map[string][]int{
			"attention.self.query":       {d, d},
			"attention.self.key":         {d, d},
			"attention.self.value":       {d, d},
			"attention.output.dense":     {d, d},
			"attention.output.LayerNorm": {d},
			"intermediate.dense":         {f, d},
			"output.dense":               {d, f},
			"output.LayerNorm":           {d},
		} {
			name = fmt.Sprintf("encoder.layer.%d.%s", n, name)
			shapes[name+".weight"] = shape
			shapes[name+".bias"] = shape[:1]
		}
	}
	return shapes
}
