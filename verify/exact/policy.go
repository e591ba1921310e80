package exact

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"

	"searchrl/rollout"
	"searchrl/sampling"
	"searchrl/tokenizer"
)

// policy is the tabular policy: at each decision point the steps' texts form a trie of tokens with exact conditional
// probabilities. It is not changed after NewEnv, hence safe for concurrent use.
type policy struct {
	tok   *tokenizer.Tokenizer
	tags  rollout.Tags
	root  *Node
	tries map[*Node]*trie
}

// trie is a partial step. A whole one has no branches.
type trie struct {
	branches []branch
	step     written // of a whole step
}

// branch is a token that may follow, in rising order of ids.
type branch struct {
	token int
	p     float64 // given the tokens before
	next  *trie
}

func (p *policy) grow(n *Node) {
	if p.tries[n] != nil {
		return
	}
	p.tries[n] = newTrie(p.texts(n), 0)
	for _, a := range n.Actions {
		for _, d := range a.Documents {
			p.grow(d.Next)
		}
	}
}

// newTrie groups steps that agree on their first depth tokens by the next one.
func newTrie(steps []written, depth int) *trie {
	if len(steps) == 1 && depth == len(steps[0].tokens) {
		return &trie{step: steps[0]}
	}
	by, total := map[int][]written{}, new(big.Rat)
	for _, s := range steps {
		by[s.tokens[depth]] = append(by[s.tokens[depth]], s)
		total.Add(total, s.p)
	}
	t := &trie{}
	for token, group := range by {
		mass := new(big.Rat)
		for _, s := range group {
			mass.Add(mass, s.p)
		}
		p, _ := mass.Quo(mass, total).Float64()
		t.branches = append(t.branches, branch{token, p, newTrie(group, depth+1)})
	}
	slices.SortFunc(t.branches, func(a, b branch) int { return a.token - b.token })
	return t
}

func (t *trie) follow(token int) *branch {
	for i := range t.branches {
		if t.branches[i].token == token {
			return &t.branches[i]
		}
	}
	return nil
}

// place is where a prefix stands.
type place struct {
	so   Trajectory
	node *Node
	trie *trie // within the step that follows node; nil if no step can follow
}

// locate reads a prefix: the prompt up to its last line break, whole steps with their documents, and part of a step.
func (p *policy) locate(tokens []int) (place, error) {
	start := 0
	for i, id := range tokens {
		if id == '\n' { // the byte's token
			start = i + 1
		}
	}
	if start == 0 {
		return place{}, errors.New("reading a prefix: no prompt that ends with a line break")
	}
	at := place{so: Trajectory{P: one}, node: p.root, trie: p.tries[p.root]}
	for i := start; i < len(tokens); {
		if at.trie == nil {
			return place{}, fmt.Errorf("reading a prefix: %q after the answer", p.tok.Decode(tokens[i:]))
		}
		b := at.trie.follow(tokens[i])
		if b == nil {
			return place{}, fmt.Errorf("reading a prefix: %q is no step at this decision point", p.tok.Decode(tokens[start:i+1]))
		}
		at.trie = b.next
		i++
		if len(at.trie.branches) > 0 {
			continue
		}
		read, err := p.leave(&at, tokens[i:])
		if err != nil {
			return place{}, err
		}
		i += read
	}
	return at, nil
}

// leave goes on from a whole step to the decision point that its documents lead to. It returns how many tokens they took.
func (p *policy) leave(at *place, rest []int) (read int, err error) {
	step := at.trie.step
	a := &at.node.Actions[step.action]
	at.so = Trajectory{P: new(big.Rat).Mul(at.so.P, step.p), Actions: append(clip(at.so.Actions), step.action),
		Documents: at.so.Documents, Rewards: append(clip(at.so.Rewards), a.Reward)}
	at.trie = nil
	if a.Ends() || len(rest) == 0 {
		return 0, nil
	}
	block := p.tok.EncodeTrusted(p.tags.Information.Open() + strconv.Itoa(step.document) + p.tags.Information.Close())
	if len(rest) < len(block) || !slices.Equal(rest[:len(block)], block) {
		return 0, fmt.Errorf("reading a prefix: %q where the search brings %q", p.tok.Decode(rest), p.tok.Decode(block))
	}
	at.so.Documents = append(clip(at.so.Documents), step.document)
	at.node = a.Documents[step.document].Next
	at.trie = p.tries[at.node]
	return len(block), nil
}

// Generate implements rollout.Policy. The temperature may be any; truncated sampling is an error.
func (p *policy) Generate(ctx context.Context, reqs []rollout.GenerateRequest) ([][]rollout.Completion, error) {
	out := make([][]rollout.Completion, len(reqs))
	for i, req := range reqs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if req.N < 1 || req.MaxTokens < 1 || !(req.Sampling.Temperature >= 0) || req.Sampling.TopK != 0 || req.Sampling.TopP != 0 && req.Sampling.TopP != 1 {
			return nil, fmt.Errorf("request %d: %d samples of at most %d tokens by %+v, expected at least one of one token without top-k and top-p",
				i, req.N, req.MaxTokens, req.Sampling)
		}
		at, err := p.locate(req.Prefix)
		if err == nil && at.trie == nil {
			err = errors.New("the trajectory is over or waits for its documents")
		}
		if err != nil {
			return nil, fmt.Errorf("request %d: %w", i, err)
		}
		for n := range req.N {
			c, err := p.complete(at.trie, req, sampling.Stream(req.Seed, n))
			if err != nil {
				return nil, fmt.Errorf("request %d: %w", i, err)
			}
			out[i] = append(out[i], c)
		}
	}
	return out, nil
}

func (p *policy) complete(t *trie, req rollout.GenerateRequest, rng *rand.Rand) (rollout.Completion, error) {
	var c rollout.Completion
	stops, err := sampling.NewStops(req.Stop)
	if err != nil {
		return c, err
	}
	stream := p.tok.Stream()
	for len(c.Tokens) < req.MaxTokens {
		if len(t.branches) == 0 {
			return c, fmt.Errorf("the stop texts %q do not end the step %q", req.Stop, p.tok.Decode(c.Tokens))
		}
		b, lp := t.draw(req.Sampling.Temperature, rng)
		c.Tokens, c.LogProbs = append(c.Tokens, b.token), append(c.LogProbs, lp)
		if c.Stop = stops.Push(stream.Push(b.token)); c.Stop != "" {
			break
		}
		t = b.next
	}
	return c, nil
}

// draw takes a number from rng only where there is a choice.
func (t *trie) draw(temperature float64, rng *rand.Rand) (b *branch, logProb float64) {
	if len(t.branches) == 1 {
		return &t.branches[0], 0
	}
	if temperature == 0 {
		best := slices.MaxFunc(t.branches, func(a, b branch) int {
			if a.p != b.p {
				return map[bool]int{true: 1, false: -1}[a.p > b.p]
			}
			return b.token - a.token
		})
		b = t.follow(best.token)
		return b, math.Log(b.p)
	}
	weights, total := make([]float64, len(t.branches)), 0.0
	for i := range t.branches {
		weights[i] = t.branches[i].p
		if temperature != 1 {
			weights[i] = math.Pow(weights[i], 1/temperature)
		}
		total += weights[i]
	}
	if temperature == 1 {
		total = 1 // exactly
	}
	at, u := len(weights)-1, rng.Float64()*total
	for i, w := range weights {
		if u -= w; u < 0 {
			at = i
			break
		}
	}
	return &t.branches[at], math.Log(weights[at] / total)
}

// Score implements rollout.Policy. A token that cannot follow has log-probability −Inf, as have those after it.
func (p *policy) Score(ctx context.Context, reqs []rollout.ScoreRequest) ([][][]float64, error) {
	out := make([][][]float64, len(reqs))
	for i, req := range reqs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		at, err := p.locate(req.Prefix)
		if err != nil {
			return nil, fmt.Errorf("request %d: %w", i, err)
		}
		for _, target := range req.Targets {
			row, t := make([]float64, len(target)), at.trie
			for j, token := range target {
				var b *branch
				if t != nil {
					b = t.follow(token)
				}
				if b == nil {
					row[j], t = math.Inf(-1), nil
					continue
				}
				row[j], t = math.Log(b.p), b.next
			}
			out[i] = append(out[i], row)
		}
	}
	return out, nil
}
