package encoder

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"searchrl/checkpoint"
)

// Config describes a BERT encoder.
type Config struct {
	VocabSize        int     // V
	HiddenSize       int     // D
	IntermediateSize int     // F, the width of the feed-forward block
	Layers           int     // number of transformer blocks
	Heads            int     // a divisor of HiddenSize
	MaxPositions     int     // rows of the position embedding
	TypeVocabSize    int     // rows of the token type embedding; type 0 is used
	LayerNormEps     float64 // ε in (x − mean)/√(var + ε)

	Pooling   Pooling // how a text's hidden states become one vector
	Normalise bool    // scale that vector to length 1
	MaxTokens int     // longest text in tokens, [CLS] and [SEP] included; 2 to MaxPositions

	// QueryPrefix and PassagePrefix go before a query's and a passage's text, as in training. See [Prefixes].
	QueryPrefix, PassagePrefix string
}

// Pooling says how the hidden states [tokens, D] of one text become one vector [D].
type Pooling string

// The kinds of pooling.
const (
	Mean Pooling = "mean" // the mean over the text's tokens, [CLS] and [SEP] included: E5, MiniLM
	CLS  Pooling = "cls"  // the hidden state of [CLS]: BGE
)

// Prefixes returns the query and passage prefixes of a family of models that does not write them into its folder: "e5"
// (Wang et al. 2022), "bge" (the English models, v1.5) or "none".
func Prefixes(family string) (query, passage string, err error) {
	switch family {
	case "e5":
		return "query: ", "passage: ", nil
	case "bge":
		return "Represent this sentence for searching relevant passages: ", "", nil
	case "none":
		return "", "", nil
	}
	return "", "", fmt.Errorf("encoder: no prefixes are known for %q; expected e5, bge or none", family)
}

// The largest sizes that are believed; see package checkpoint.
const (
	maxLayers = 1 << 10
	maxWidth  = 1 << 16
	maxVocab  = 1 << 24
)

// configJSON is config.json as far as it is read.
type configJSON struct {
	Architectures    []string `json:"architectures"`
	ModelType        string   `json:"model_type"`
	HiddenAct        *string  `json:"hidden_act"`
	VocabSize        int      `json:"vocab_size"`
	HiddenSize       int      `json:"hidden_size"`
	IntermediateSize int      `json:"intermediate_size"`
	Layers           int      `json:"num_hidden_layers"`
	Heads            int      `json:"num_attention_heads"`
	MaxPositions     *int     `json:"max_position_embeddings"`
	TypeVocabSize    *int     `json:"type_vocab_size"`
	LayerNormEps     *float64 `json:"layer_norm_eps"`
	Positions        *string  `json:"position_embedding_type"`
	IsDecoder        bool     `json:"is_decoder"`
}

// poolingJSON is 1_Pooling/config.json of sentence-transformers, as far as it is read.
type poolingJSON struct {
	CLS         bool `json:"pooling_mode_cls_token"`
	Mean        bool `json:"pooling_mode_mean_tokens"`
	Max         bool `json:"pooling_mode_max_tokens"`
	MeanSqrtLen bool `json:"pooling_mode_mean_sqrt_len_tokens"`
	Weighted    bool `json:"pooling_mode_weightedmean_tokens"`
	LastToken   bool `json:"pooling_mode_lasttoken"`
}

// LoadConfig reads the configuration of the model folder at the root of fsys: config.json, and what sentence-transformers
// adds to it where that is there: 1_Pooling/config.json, modules.json, sentence_bert_config.json (the longest text) and
// config_sentence_transformers.json (the prefixes, under "prompts"). Without these, texts are pooled by their mean and
// normalised, as E5 is used.
func LoadConfig(fsys fs.FS) (Config, error) {
	var c configJSON
	if err := checkpoint.ReadJSON(fsys, "config.json", &c); err != nil {
		return Config{}, fmt.Errorf("encoder: %w", err)
	}
	cfg, err := c.config()
	if err != nil {
		return Config{}, fmt.Errorf("encoder: config.json: %w", err)
	}
	if err := cfg.readSentenceFiles(fsys); err != nil {
		return Config{}, fmt.Errorf("encoder: %w", err)
	}
	if err := cfg.Validate(); err != nil {
		return Config{}, fmt.Errorf("encoder: config.json: %w", err)
	}
	return cfg, nil
}

// config turns the file's entries into a Config and refuses what is not computed here.
func (c *configJSON) config() (Config, error) {
	if c.ModelType != "bert" {
		return Config{}, fmt.Errorf("model_type %q is not supported; supported is \"bert\" (E5, BGE, MiniLM and other BERT encoders)", c.ModelType)
	}
	for _, name := range c.Architectures {
		if !strings.HasPrefix(name, "Bert") {
			return Config{}, fmt.Errorf("architecture %q is not supported; supported are those of BERT", name)
		}
	}
	if act := or(c.HiddenAct, "gelu"); act != "gelu" {
		return Config{}, fmt.Errorf("hidden_act %q is not supported; supported is \"gelu\"", act)
	}
	if kind := or(c.Positions, "absolute"); kind != "absolute" {
		return Config{}, fmt.Errorf("position_embedding_type %q is not supported; supported is \"absolute\"", kind)
	}
	if c.IsDecoder {
		return Config{}, errors.New("is_decoder is true; an encoder is needed")
	}
	positions := or(c.MaxPositions, 512)
	return Config{
		VocabSize: c.VocabSize, HiddenSize: c.HiddenSize, IntermediateSize: c.IntermediateSize, Layers: c.Layers, Heads: c.Heads,
		MaxPositions: positions, TypeVocabSize: or(c.TypeVocabSize, 2), LayerNormEps: or(c.LayerNormEps, 1e-12),
		Pooling: Mean, Normalise: true, MaxTokens: positions,
	}, nil
}

// readSentenceFiles reads what sentence-transformers adds to a model folder.
func (c *Config) readSentenceFiles(fsys fs.FS) error {
	read := func(name string, v any) (bool, error) {
		err := checkpoint.ReadJSON(fsys, name, v)
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		return err == nil, err
	}
	var pooling poolingJSON
	if found, err := read("1_Pooling/config.json", &pooling); err != nil {
		return err
	} else if found {
		switch pooling {
		case poolingJSON{Mean: true}:
			c.Pooling = Mean
		case poolingJSON{CLS: true}:
			c.Pooling = CLS
		default:
			return errors.New("1_Pooling/config.json: only pooling by mean tokens alone or by the CLS token alone is supported")
		}
	}
	var modules []struct {
		Type string `json:"type"`
	}
	if found, err := read("modules.json", &modules); err != nil {
		return err
	} else if found {
		c.Normalise = false
		for _, m := range modules {
			switch kind := m.Type[strings.LastIndexByte(m.Type, '.')+1:]; kind {
			case "Transformer", "Pooling":
			case "Normalize":
				c.Normalise = true
			default:
				return fmt.Errorf("modules.json: module %q is not supported; supported are Transformer, Pooling and Normalize", m.Type)
			}
		}
	}
	var sentence struct {
		MaxTokens *int `json:"max_seq_length"`
	}
	if _, err := read("sentence_bert_config.json", &sentence); err != nil {
		return err
	}
	c.MaxTokens = min(or(sentence.MaxTokens, c.MaxTokens), c.MaxPositions)
	var st struct {
		Prompts map[string]string `json:"prompts"`
	}
	if _, err := read("config_sentence_transformers.json", &st); err != nil {
		return err
	}
	c.QueryPrefix = st.Prompts["query"]
	for _, name := range []string{"passage", "document"} {
		if p, ok := st.Prompts[name]; ok {
			c.PassagePrefix = p
			break
		}
	}
	return nil
}

// Validate reports the first thing that is wrong with c.
func (c Config) Validate() error {
	err := checkpoint.CheckSizes(
		checkpoint.Size{Name: "vocab_size", Value: c.VocabSize, Max: maxVocab},
		checkpoint.Size{Name: "hidden_size", Value: c.HiddenSize, Max: maxWidth},
		checkpoint.Size{Name: "intermediate_size", Value: c.IntermediateSize, Max: maxWidth},
		checkpoint.Size{Name: "num_hidden_layers", Value: c.Layers, Max: maxLayers},
		checkpoint.Size{Name: "num_attention_heads", Value: c.Heads, Max: maxWidth},
		checkpoint.Size{Name: "max_position_embeddings", Value: c.MaxPositions, Max: maxWidth},
		checkpoint.Size{Name: "type_vocab_size", Value: c.TypeVocabSize, Max: maxWidth},
	)
	if err != nil {
		return err
	}
	switch {
	case c.HiddenSize%c.Heads != 0:
		return fmt.Errorf("hidden_size (%d) is not a multiple of num_attention_heads (%d)", c.HiddenSize, c.Heads)
	case !(c.LayerNormEps > 0 && c.LayerNormEps < 1):
		return fmt.Errorf("layer_norm_eps is %v, want a number between 0 and 1", c.LayerNormEps)
	case c.MaxTokens < 2 || c.MaxTokens > c.MaxPositions:
		return fmt.Errorf("the longest text is %d tokens, want 2 to %d", c.MaxTokens, c.MaxPositions)
	case !slices.Contains([]Pooling{Mean, CLS}, c.Pooling):
		return fmt.Errorf("pooling %q, want %q or %q", c.Pooling, Mean, CLS)
	}
	return nil
}

// or returns *v, or otherwise where v is nil.
func or[T any](v *T, otherwise T) T {
	if v == nil {
		return otherwise
	}
	return *v
}
