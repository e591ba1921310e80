package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// maxJSON bounds the JSON files that are read, in bytes: the index of the largest published models is well below it.
const maxJSON = 64 << 20

// ropeJSON is rope_parameters of transformers 5, and rope_scaling of older ones.
type ropeJSON struct {
	Theta   *float64 `json:"rope_theta,omitempty"`
	Type    string   `json:"rope_type,omitempty"`
	OldType string   `json:"type,omitempty"`
}

// configJSON is config.json as far as it is read. Pointers tell an absent or null entry from zero.
type configJSON struct {
	Architectures    []string        `json:"architectures"`
	ModelType        string          `json:"model_type"`
	HiddenAct        *string         `json:"hidden_act"`
	VocabSize        *int            `json:"vocab_size"`
	HiddenSize       *int            `json:"hidden_size"`
	IntermediateSize *int            `json:"intermediate_size"`
	Layers           *int            `json:"num_hidden_layers"`
	Heads            *int            `json:"num_attention_heads"`
	KVHeads          *int            `json:"num_key_value_heads"`
	HeadDim          *int            `json:"head_dim"`
	RMSNormEps       *float64        `json:"rms_norm_eps"`
	RopeTheta        *float64        `json:"rope_theta"`
	RopeParameters   *ropeJSON       `json:"rope_parameters"`
	RopeScaling      *ropeJSON       `json:"rope_scaling"`
	TieEmbeddings    bool            `json:"tie_word_embeddings"`
	MaxPositions     *int            `json:"max_position_embeddings"`
	UseSlidingWindow bool            `json:"use_sliding_window"`
	SlidingWindow    *int            `json:"sliding_window"`
	MaxWindowLayers  *int            `json:"max_window_layers"`
	LayerTypes       []string        `json:"layer_types"`
	EOS              json.RawMessage `json:"eos_token_id"`
}

// generationJSON is generation_config.json as far as it is read.
type generationJSON struct {
	EOS json.RawMessage `json:"eos_token_id"`
}

// LoadConfig reads config.json, and generation_config.json if it is there, at the root of fsys. Absent entries get the
// defaults of transformers' Qwen2Config; the sizes have none.
func LoadConfig(fsys fs.FS) (Config, error) {
	var c configJSON
	if err := ReadJSON(fsys, "config.json", &c); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w (%w)", errNoModel, err)
		}
		return Config{}, err
	}
	cfg, err := c.config()
	if err != nil {
		return Config{}, fmt.Errorf("config.json: %w", err)
	}
	var g generationJSON
	if err := ReadJSON(fsys, "generation_config.json", &g); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Config{}, err
	}
	eos, err := tokenIDs(g.EOS)
	if err != nil {
		return Config{}, fmt.Errorf("generation_config.json: %w", err)
	}
	if eos != nil {
		cfg.EOS = eos
	}
	if err := cfg.Validate(); err != nil {
		return Config{}, fmt.Errorf("config.json: %w", err)
	}
	return cfg, nil
}

// config turns the file's entries into a Config and refuses what this project does not compute.
func (c *configJSON) config() (Config, error) {
	if err := c.supported(); err != nil {
		return Config{}, err
	}
	theta, err := c.ropeTheta()
	if err != nil {
		return Config{}, err
	}
	eos, err := tokenIDs(c.EOS)
	if err != nil {
		return Config{}, err
	}
	for _, size := range []struct {
		name  string
		value *int
	}{
		{"vocab_size", c.VocabSize}, {"hidden_size", c.HiddenSize}, {"intermediate_size", c.IntermediateSize},
		{"num_hidden_layers", c.Layers}, {"num_attention_heads", c.Heads},
	} {
		if size.value == nil {
			return Config{}, fmt.Errorf("%s is missing", size.name)
		}
	}
	cfg := Config{
		VocabSize: *c.VocabSize, HiddenSize: *c.HiddenSize, IntermediateSize: *c.IntermediateSize,
		Layers: *c.Layers, Heads: *c.Heads, KVHeads: or(c.KVHeads, *c.Heads),
		RMSNormEps: or(c.RMSNormEps, 1e-6), RopeTheta: theta, TieEmbeddings: c.TieEmbeddings,
		MaxPositions: or(c.MaxPositions, 32768), EOS: eos,
	}
	switch {
	case c.HeadDim != nil:
		cfg.HeadDim = *c.HeadDim
	case cfg.Heads > 0 && cfg.HiddenSize%cfg.Heads == 0:
		cfg.HeadDim = cfg.HiddenSize / cfg.Heads
	case cfg.Heads > 0:
		return Config{}, fmt.Errorf("hidden_size (%d) is not a multiple of num_attention_heads (%d), and there is no head_dim",
			cfg.HiddenSize, cfg.Heads)
	}
	return cfg, nil
}

// supported refuses other architectures and the variants of this one that are not computed here.
func (c *configJSON) supported() error {
	found := c.ModelType
	if len(c.Architectures) > 0 {
		found = c.Architectures[0]
	}
	if len(c.Architectures) != 1 || found != Architecture {
		return fmt.Errorf("architecture %q is not supported; supported is %q", found, Architecture)
	}
	if act := or(c.HiddenAct, "silu"); act != "silu" {
		return fmt.Errorf("hidden_act %q is not supported; supported is \"silu\"", act)
	}
	for i, kind := range c.LayerTypes {
		if kind != "full_attention" {
			return fmt.Errorf("layer_types: layer %d is %q; supported is \"full_attention\"", i, kind)
		}
	}
	// As in transformers: the window is in use in the layers from max_window_layers on.
	if c.UseSlidingWindow && c.SlidingWindow != nil && c.LayerTypes == nil && or(c.Layers, 0) > or(c.MaxWindowLayers, 28) {
		return errors.New("sliding-window attention is in use (use_sliding_window); only full attention is supported")
	}
	return nil
}

// ropeTheta finds the base of the rotary frequencies in either layout.
func (c *configJSON) ropeTheta() (float64, error) {
	theta := c.RopeTheta
	for _, rope := range []*ropeJSON{c.RopeParameters, c.RopeScaling} {
		if rope == nil {
			continue
		}
		for _, kind := range []string{rope.Type, rope.OldType} {
			if kind != "" && kind != "default" {
				return 0, fmt.Errorf("rope type %q is not supported; supported is \"default\"", kind)
			}
		}
		if rope.Theta == nil {
			continue
		}
		if theta != nil && *theta != *rope.Theta {
			return 0, fmt.Errorf("rope_theta is %v in one place and %v in another", *theta, *rope.Theta)
		}
		theta = rope.Theta
	}
	return or(theta, 10000), nil
}

// tokenIDs reads an id, a list of ids, null, or nothing (both nil).
func tokenIDs(raw json.RawMessage) ([]int, error) {
	var one *int
	if raw == nil {
		return nil, nil
	}
	if json.Unmarshal(raw, &one) == nil {
		if one == nil {
			return nil, nil
		}
		return []int{*one}, nil
	}
	var many []int
	if err := json.Unmarshal(raw, &many); err != nil {
		return nil, errors.New("eos_token_id is neither an id nor a list of ids")
	}
	return many, nil
}

// or returns *p, or otherwise where p is nil.
func or[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

// ReadJSON decodes the named file of a model folder into v. Errors name the file; a file beyond 64 MB is one.
func ReadJSON(fsys fs.FS, name string, v any) error {
	file, err := fsys.Open(name)
	if err != nil {
		return fmt.Errorf("opening %s: %w", name, err)
	}
	content, err := io.ReadAll(io.LimitReader(file, maxJSON+1))
	switch err = errors.Join(err, file.Close()); {
	case err != nil:
		return fmt.Errorf("reading %s: %w", name, err)
	case len(content) > maxJSON:
		return fmt.Errorf("%s is longer than %d bytes", name, maxJSON)
	}
	if err := json.Unmarshal(content, v); err != nil {
		return fmt.Errorf("%s is not as expected: %w", name, err)
	}
	return nil
}
