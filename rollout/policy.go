package rollout

import "context"

// Policy is all that a method may ask of a language model. Three kinds implement it: the GoMLX transformer (package
// model), the plain-Go transformer (package plain), and the tabular policy whose trajectories can all be enumerated.
// Implementations are safe for concurrent use unless they say otherwise.
type Policy interface {
	// Generate samples req.N continuations of each prefix; result[i][n] is sample n of request i. A prefix that
	// several requests or samples share is computed once. A sample depends on its own request alone
	// (prefix, sampling, seed, its index n), never on what else is in the call.
	Generate(ctx context.Context, reqs []GenerateRequest) ([][]Completion, error)
	// Score returns log π(target_j | prefix, target_<j) at temperature 1, for every token of every target:
	// result[i][m][j] is token j of target m of request i. Whatever several requests of a call begin with is computed
	// once ([Share]), be it a part of their prefixes or of their targets; equal requests are one. Sharing changes a
	// log-probability by rounding at most.
	Score(ctx context.Context, reqs []ScoreRequest) ([][][]float64, error)
}

// Sampling is the distribution tokens are drawn from, given the model's logits.
type Sampling struct {
	// Temperature divides the logits. 0 means greedy decoding (the most likely token, ties to the smaller id).
	Temperature float64 `json:"temperature"`
	// TopK keeps the k most likely tokens; 0 keeps all.
	TopK int `json:"top_k,omitempty"`
	// TopP keeps the smallest set of most likely tokens whose probability reaches TopP; 0 or 1 keeps all.
	TopP float64 `json:"top_p,omitempty"`
}

// GenerateRequest asks for N continuations of one prefix.
type GenerateRequest struct {
	Prefix    []int // token ids, at least one
	N         int   // samples, ≥ 1
	Sampling  Sampling
	MaxTokens int      // new tokens a sample at most, ≥ 1
	Stop      []string // a sample ends with the token that completes one of these texts
	Seed      uint64   // sample n draws from the random stream (Seed, n)
}

// Completion is one sampled continuation.
type Completion struct {
	// Tokens are the ids as sampled, the stop text's tokens included, an end-of-sequence token too.
	Tokens []int
	// LogProbs[j] is the log-probability of Tokens[j] under the distribution it was drawn from (temperature and
	// truncation applied). For greedy decoding it is the model's own, at temperature 1.
	LogProbs []float64
	// Unscored says that the policy gives no log-probabilities: LogProbs is nil. Such a sample can be evaluated and never
	// trained.
	Unscored bool
	// Stop is the stop text that ended the sample, EndOfSequence, or "" if MaxTokens ended it.
	Stop string
}

// EndOfSequence is what Completion.Stop holds when the model's end-of-sequence token ended the sample.
const EndOfSequence = "<eos>"

// ScoreRequest asks for the log-probability of each of several targets after one prefix.
type ScoreRequest struct {
	Prefix  []int   // token ids, at least one
	Targets [][]int // each non-empty
}
