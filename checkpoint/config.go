package checkpoint

import (
	"errors"
	"fmt"
	"math"
)

// Architecture is the only one that is supported.
const Architecture = "Qwen2ForCausalLM"

// Config describes a Qwen2 decoder.
type Config struct {
	VocabSize        int     // V
	HiddenSize       int     // D
	IntermediateSize int     // F, the width of the SwiGLU block
	Layers           int     // number of transformer blocks
	Heads            int     // H, query heads
	KVHeads          int     // K, key and value heads; a divisor of Heads
	HeadDim          int     // d, width of a head; even
	RMSNormEps       float64 // ε in x/√(mean x² + ε)
	RopeTheta        float64 // base of the rotary frequencies θ^(−2i/d)
	TieEmbeddings    bool    // the output head is the embedding matrix
	MaxPositions     int     // longest sequence that the model was made for
	EOS              []int   // end-of-sequence token ids; may be empty

	// RotaryBF16 rounds the rotary frequencies to bfloat16. A PyTorch model has such frequencies after it was converted as a
	// whole, model.to(torch.bfloat16), which rounds buffers too, even if it is converted back. One that transformers
	// loads has not, whatever its dtype, so Load leaves this false. It is there to reproduce the figures of such models.
	RotaryBF16 bool
}

// RotaryFrequencies returns ω_i = θ^(−2i/d) for i in [0, d/2), the angle that pair i turns from one position to the next, in
// float32 as transformers keeps them.
func (c Config) RotaryFrequencies() []float32 {
	omega := make([]float32, c.HeadDim/2)
	for i := range omega {
		omega[i] = float32(math.Pow(c.RopeTheta, -2*float64(i)/float64(c.HeadDim)))
		if c.RotaryBF16 { // to nearest, ties to even
			b := math.Float32bits(omega[i])
			omega[i] = math.Float32frombits((b + 0x7fff + b>>16&1) &^ 0xffff)
		}
	}
	return omega
}

// The largest sizes that are believed. They are an order of magnitude beyond any published model, and keep the
// arithmetic of sizes within int64.
const (
	maxLayers    = 1 << 10
	maxWidth     = 1 << 20
	maxVocab     = 1 << 24
	maxPositions = 1 << 30
)

// Validate reports the first thing that is wrong with c.
func (c Config) Validate() error {
	err := CheckSizes(
		Size{"vocab_size", c.VocabSize, maxVocab},
		Size{"hidden_size", c.HiddenSize, maxWidth},
		Size{"intermediate_size", c.IntermediateSize, maxWidth},
		Size{"num_hidden_layers", c.Layers, maxLayers},
		Size{"num_attention_heads", c.Heads, maxWidth},
		Size{"num_key_value_heads", c.KVHeads, maxWidth},
		Size{"head_dim", c.HeadDim, maxWidth},
		Size{"max_position_embeddings", c.MaxPositions, maxPositions},
	)
	if err != nil {
		return err
	}
	switch {
	case c.Heads%c.KVHeads != 0:
		return fmt.Errorf("num_attention_heads (%d) is not a multiple of num_key_value_heads (%d)", c.Heads, c.KVHeads)
	case c.HeadDim%2 != 0:
		return fmt.Errorf("head_dim is %d; rotary embeddings need an even one", c.HeadDim)
	case c.Heads*c.HeadDim > maxWidth:
		return fmt.Errorf("num_attention_heads × head_dim is %d, want at most %d", c.Heads*c.HeadDim, maxWidth)
	case !(c.RMSNormEps > 0 && c.RMSNormEps < 1):
		return fmt.Errorf("rms_norm_eps is %v, want a number between 0 and 1", c.RMSNormEps)
	case !(c.RopeTheta >= 1 && c.RopeTheta <= 1e12):
		return fmt.Errorf("rope_theta is %v, want 1 to 1e12", c.RopeTheta)
	}
	for _, id := range c.EOS {
		if id < 0 || id >= c.VocabSize {
			return fmt.Errorf("eos_token_id %d is not in the vocabulary of %d tokens", id, c.VocabSize)
		}
	}
	return nil
}

// Size is an entry of config.json that counts something, and the largest value that is believed.
type Size struct {
	Name       string
	Value, Max int
}

// CheckSizes reports the first size that is not in [1, Max].
func CheckSizes(sizes ...Size) error {
	for _, s := range sizes {
		if s.Value < 1 || s.Value > s.Max {
			return fmt.Errorf("%s is %d, want 1 to %d", s.Name, s.Value, s.Max)
		}
	}
	return nil
}

// errNoModel explains what a model folder needs.
var errNoModel = errors.New("not a model folder: it needs config.json, and model.safetensors or model.safetensors.index.json")
