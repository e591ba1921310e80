package likelihood

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"searchrl/rollout"
)

// Options say what is scored and how it is averaged. The zero value takes plain means after the protocol's answer tag.
type Options struct {
	// Opening stands between the prefix and the answer; "" means the protocol's forced answer (or its answer tag) and a
	// space. It is trusted text: protocol tags in it are the tokens that the policy writes for them.
	Opening string `json:"opening"`
	// HeadTokens is the number of tokens at the answer's beginning that have weight HeadWeight.
	HeadTokens int `json:"head_tokens"`
	// HeadWeight is that weight, over 0 and up to 1e6; 0 means 1.
	HeadWeight float64 `json:"head_weight"`
	// MaxAliases bounds the gold answers that are scored, the first ones; 0 means all.
	MaxAliases int `json:"max_aliases"`
}

// Paper returns the options of IG-Search's released code: 3 head tokens of weight 3. It scores the first gold answer alone
// unless told otherwise; here all are.
func Paper() Options { return Options{HeadTokens: 3, HeadWeight: 3} }

// Validate reports the first setting that is out of its range.
func (o Options) Validate() error {
	switch {
	case o.HeadTokens < 0:
		return fmt.Errorf("likelihood: %d head tokens, expected 0 or more", o.HeadTokens)
	case !(o.HeadWeight >= 0 && o.HeadWeight <= 1e6):
		return fmt.Errorf("likelihood: head weight %v, expected a positive number up to 1e6, or 0 for 1", o.HeadWeight)
	case o.MaxAliases < 0:
		return fmt.Errorf("likelihood: at most %d aliases, expected 0 or more", o.MaxAliases)
	}
	return nil
}

// Context is a prefix after which the gold answers of a question are scored.
type Context struct {
	Prefix  []int    // token ids, at least one
	Answers []string // gold answers, at least one, none without tokens
}

// Scores are what Score found.
type Scores struct {
	// LogLik[i][a] is ℓ of answer a after context i, at most 0, in nats per token; −Inf if the policy cannot write it.
	LogLik [][]float64
	// Computed counts the tokens that went through the model for it, those of shared prefixes once.
	Computed int
}

// Score returns ℓ of the answers after each context, in one call of the policy.
func (o Options) Score(ctx context.Context, env *rollout.Env, contexts []Context) (Scores, error) {
	if err := o.Validate(); err != nil {
		return Scores{}, err
	}
	if len(contexts) == 0 {
		return Scores{}, nil
	}
	opening, lead := o.opening(&env.Protocol)
	before := env.Tokenizer.EncodeTrusted(opening)
	reqs := make([]rollout.ScoreRequest, len(contexts))
	for i, c := range contexts {
		if len(c.Prefix) == 0 || len(c.Answers) == 0 {
			return Scores{}, fmt.Errorf("likelihood: context %d has %d tokens and %d answers, expected at least one of each", i, len(c.Prefix), len(c.Answers))
		}
		reqs[i].Prefix = slices.Concat(c.Prefix, before)
		for a, answer := range o.aliases(c.Answers) {
			tokens := env.Tokenizer.Encode(lead + strings.TrimSpace(answer))
			if strings.TrimSpace(answer) == "" || len(tokens) == 0 {
				return Scores{}, fmt.Errorf("likelihood: answer %d of context %d is empty", a, i)
			}
			reqs[i].Targets = append(reqs[i].Targets, tokens)
		}
	}
	logProbs, err := env.Policy.Score(ctx, reqs)
	if err != nil {
		return Scores{}, fmt.Errorf("likelihood: scoring %d contexts: %w", len(contexts), err)
	}
	out := Scores{LogLik: make([][]float64, len(reqs)), Computed: rollout.ScoredTokens(reqs)}
	for i, req := range reqs {
		for a, target := range req.Targets {
			l, err := o.of(logProbs, i, a, len(target))
			if err != nil {
				return Scores{}, fmt.Errorf("likelihood: answer %d of context %d: %w", a, i, err)
			}
			out.LogLik[i] = append(out.LogLik[i], l)
		}
	}
	return out, nil
}

// of reads one answer's ℓ from what the policy returned.
func (o Options) of(logProbs [][][]float64, i, a, n int) (float64, error) {
	if i >= len(logProbs) || a >= len(logProbs[i]) || len(logProbs[i][a]) != n {
		return 0, errors.New("the policy returned no log-probability for each of its tokens")
	}
	l := o.Mean(logProbs[i][a])
	if math.IsNaN(l) {
		return 0, errors.New("its log-likelihood is not a number")
	}
	return l, nil
}

// opening returns the text before the answer, and the space that the answer's first token takes with it.
func (o Options) opening(p *rollout.Protocol) (text, lead string) {
	text = o.Opening
	if text == "" {
		text = cmp.Or(p.ForcedAnswer, p.Tags.Answer.Open()) + " "
	}
	if strings.HasSuffix(text, " ") {
		return strings.TrimSuffix(text, " "), " "
	}
	return text, ""
}

func (o Options) aliases(answers []string) []string {
	if o.MaxAliases > 0 && len(answers) > o.MaxAliases {
		return answers[:o.MaxAliases]
	}
	return answers
}

// Mean returns the weighted mean ℓ of the log-probabilities of an answer's tokens, at least one.
func (o Options) Mean(logProbs []float64) float64 {
	sum, total := 0.0, 0.0
	for j, lp := range logProbs {
		w := o.weight(j)
		sum, total = sum+w*lp, total+w
	}
	return sum / total
}

func (o Options) weight(j int) float64 {
	if j < o.HeadTokens && o.HeadWeight > 0 {
		return o.HeadWeight
	}
	return 1
}

// Best returns the index of the largest score, the first of several; −1 if there is none.
func Best(scores []float64) int {
	best := -1
	for a, l := range scores {
		if best < 0 || l > scores[best] {
			best = a
		}
	}
	return best
}
