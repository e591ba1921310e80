package checkpoint

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// Tensor is a float32 array in row-major order.
type Tensor struct {
	Shape []int // extents, outermost first
	Data  []float32
}

// Weights holds a model's parameters by their Hugging Face names; see the package comment for the list.
type Weights map[string]*Tensor

// Names returns the parameters' names, sorted.
func (w Weights) Names() []string { return slices.Sorted(maps.Keys(w)) }

// Clone returns a copy that shares nothing with w.
func (w Weights) Clone() Weights {
	out := make(Weights, len(w))
	for name, t := range w {
		out[name] = &Tensor{Shape: slices.Clone(t.Shape), Data: slices.Clone(t.Data)}
	}
	return out
}

// Check reports whether w holds exactly the parameters of a model of configuration cfg, with finite elements.
func (w Weights) Check(cfg Config) error {
	if err := w.CheckShapes(cfg); err != nil {
		return err
	}
	for _, name := range w.Names() {
		if err := checkFinite(name, w[name].Data); err != nil {
			return err
		}
	}
	return nil
}

// CheckShapes is [Weights.Check] without a look at the elements.
func (w Weights) CheckShapes(cfg Config) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	shapes := ParamShapes(cfg)
	if err := checkNames(shapes, maps.Keys(w)); err != nil {
		return err
	}
	for name, t := range w {
		if err := checkShape(name, t.Shape, shapes[name]); err != nil {
			return err
		}
		if len(t.Data) != elements(t.Shape) {
			return fmt.Errorf("tensor %q of shape %v holds %d elements", name, t.Shape, len(t.Data))
		}
	}
	return nil
}

// ParamShapes returns the shape of every parameter of a model of configuration cfg.
func ParamShapes(cfg Config) map[string][]int {
	d, f, q, kv := cfg.HiddenSize, cfg.IntermediateSize, cfg.Heads*cfg.HeadDim, cfg.KVHeads*cfg.HeadDim
	shapes := map[string][]int{
		"model.embed_tokens.weight": {cfg.VocabSize, d},
		"model.norm.weight":         {d},
	}
	if !cfg.TieEmbeddings {
		shapes["lm_head.weight"] = []int{cfg.VocabSize, d}
	}
	for n := range cfg.Layers {
		for name, shape := range map[string][]int{
			"input_layernorm.weight":          {d},
			"self_attn.q_proj.weight":         {q, d},
			"self_attn.q_proj.bias":           {q},
			"self_attn.k_proj.weight":         {kv, d},
			"self_attn.k_proj.bias":           {kv},
			"self_attn.v_proj.weight":         {kv, d},
			"self_attn.v_proj.bias":           {kv},
			"self_attn.o_proj.weight":         {d, q},
			"post_attention_layernorm.weight": {d},
			"mlp.gate_proj.weight":            {f, d},
			"mlp.up_proj.weight":              {f, d},
			"mlp.down_proj.weight":            {d, f},
		} {
			shapes[fmt.Sprintf("model.layers.%d.%s", n, name)] = shape
		}
	}
	return shapes
}

// initStd is the standard deviation of fresh weights: initializer_range of Qwen2's configuration.
const initStd = 0.02

// Init draws fresh weights as transformers does: matrices from N(0, 0.02²), biases 0, norms 1. The parameters are drawn in
// the order of their names, so the same rng gives the same weights.
func Init(cfg Config, rng *rand.Rand) Weights {
	shapes := ParamShapes(cfg)
	w := make(Weights, len(shapes))
	for _, name := range slices.Sorted(maps.Keys(shapes)) {
		shape := shapes[name]
		t := &Tensor{Shape: shape, Data: make([]float32, elements(shape))}
		switch {
		case len(shape) == 2:
			for i := range t.Data {
				t.Data[i] = float32(rng.NormFloat64() * initStd)
			}
		case strings.HasSuffix(name, "norm.weight"):
			for i := range t.Data {
				t.Data[i] = 1
			}
		}
		w[name] = t
	}
	return w
}

// elements returns the number of elements of a tensor of the given shape.
func elements(shape []int) int {
	n := 1
	for _, extent := range shape {
		n *= extent
	}
	return n
}

// checkNames compares the names that are there with those that should be, and names the first few that differ.
func checkNames(want map[string][]int, found func(func(string) bool)) error {
	missing := maps.Clone(want)
	var extra []string
	for name := range found {
		delete(missing, name)
		if _, ok := want[name]; !ok {
			extra = append(extra, name)
		}
	}
	var errs []error
	if len(missing) > 0 {
		errs = append(errs, fmt.Errorf("missing %s", list(slices.Sorted(maps.Keys(missing)))))
	}
	if len(extra) > 0 {
		slices.Sort(extra)
		errs = append(errs, fmt.Errorf("not part of the model: %s", list(extra)))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("weights: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return nil
}

// list names the first few of names.
func list(names []string) string {
	const few = 3
	if len(names) > few {
		return fmt.Sprintf("%q and %d more tensors", names[:few], len(names)-few)
	}
	return fmt.Sprintf("%q", names)
}

func checkShape(name string, found, want []int) error {
	if !slices.Equal(found, want) {
		return fmt.Errorf("tensor %q has shape %v, want %v", name, found, want)
	}
	return nil
}

func checkFinite(name string, data []float32) error {
	for i, v := range data {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return fmt.Errorf("tensor %q: element %d is %v", name, i, v)
		}
	}
	return nil
}
