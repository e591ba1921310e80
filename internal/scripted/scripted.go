// Package scripted is a policy for tests and examples: it says what a function tells it to say.
package scripted

import (
	"context"
	"fmt"
	"math"
	"strings"

	"searchrl/rollout"
	"searchrl/tokenizer"
)

// Policy implements rollout.Policy from a function. It is safe for concurrent use if Say is.
type Policy struct {
	Tokenizer *tokenizer.Tokenizer
	// Say returns what sample n of a request writes after the text of its prefix. The text is cut as a model's would
	// be: after the token that completes a stop text, or at MaxTokens. A text that is over before ends with the
	// tokenizer's end-of-sequence token, if it has one.
	Say func(prefix string, sample int) string
}

// LogProb is the log-probability of every sampled token.
const LogProb = -0.5

// Table is a Say that looks for the longest key that the prefix ends with and returns its text for the sample (the last
// one for higher numbers); "" if there is no such key.
func Table(texts map[string][]string) func(prefix string, sample int) string {
	return func(prefix string, sample int) string {
		best, found := "", false
		for key := range texts {
			if strings.HasSuffix(prefix, key) && (!found || len(key) > len(best)) {
				best, found = key, true
			}
		}
		if choices := texts[best]; found && len(choices) > 0 {
			return choices[min(sample, len(choices)-1)]
		}
		return ""
	}
}

// Turns is a Say for one trajectory whose step t is texts[t]: it counts the actions in the part of the prefix after the
// last occurrence of prompt. Steps beyond the last repeat it.
func Turns(prompt string, texts ...string) func(prefix string, sample int) string {
	return func(prefix string, _ int) string {
		episode := prefix[strings.LastIndex(prefix, prompt)+len(prompt):]
		turn := 0
		for _, text := range texts {
			i := strings.Index(episode, text)
			if i < 0 {
				break
			}
			episode = episode[i+len(text):]
			turn++
		}
		return texts[min(turn, len(texts)-1)]
	}
}

// Generate implements rollout.Policy.
func (p *Policy) Generate(ctx context.Context, reqs []rollout.GenerateRequest) ([][]rollout.Completion, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	out := make([][]rollout.Completion, len(reqs))
	for i, req := range reqs {
		if len(req.Prefix) == 0 || req.N < 1 || req.MaxTokens < 1 {
			return nil, fmt.Errorf("request %d: prefix of %d tokens, %d samples of at most %d tokens", i, len(req.Prefix), req.N,
				req.MaxTokens)
		}
		prefix := p.Tokenizer.Decode(req.Prefix)
		for n := range req.N {
			out[i] = append(out[i], p.complete(p.Say(prefix, n), req))
		}
	}
	return out, nil
}

func (p *Policy) complete(text string, req rollout.GenerateRequest) rollout.Completion {
	var c rollout.Completion
	said := ""
	stream := p.Tokenizer.Stream()
	for _, id := range p.Tokenizer.EncodeTrusted(text) {
		if len(c.Tokens) == req.MaxTokens {
			return c
		}
		c.Tokens, c.LogProbs = append(c.Tokens, id), append(c.LogProbs, LogProb)
		said += stream.Push(id)
		for _, stop := range req.Stop {
			if strings.Contains(said, stop) {
				c.Stop = stop
				return c
			}
		}
	}
	if eos, ok := p.Tokenizer.EOS(); ok && len(c.Tokens) < req.MaxTokens {
		c.Tokens, c.LogProbs, c.Stop = append(c.Tokens, eos), append(c.LogProbs, LogProb), rollout.EndOfSequence
	}
	return c
}

// Score implements rollout.Policy: every token is as likely as every other.
func (p *Policy) Score(ctx context.Context, reqs []rollout.ScoreRequest) ([][][]float64, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	lp := -math.Log(float64(p.Tokenizer.VocabSize()))
	out := make([][][]float64, len(reqs))
	for i, req := range reqs {
		for _, target := range req.Targets {
			row := make([]float64, len(target))
			for j := range row {
				row[j] = lp
			}
			out[i] = append(out[i], row)
		}
	}
	return out, nil
}
