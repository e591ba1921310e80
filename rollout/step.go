package rollout

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"searchrl/tokenizer"
)

// StepRequest asks for N candidates of the step that follows a leaf.
type StepRequest struct {
	Tree     *Tree
	Leaf     int // index of a segment: the prompt, documents, a notice or an opening
	N        int // candidates, ≥ 1
	Sampling Sampling
	Seed     uint64 // candidate n draws from the random stream (Seed, n)
}

// Candidate is one sampled step, not yet in a tree.
type Candidate struct {
	// Step is how its text divides; the text of an Opening that it was sampled from is part of it.
	Step Step
	// Segments are the sampled tokens by kind, in order: Refine, Think, and Query or Answer; or one Invalid. Their
	// Parent is meaningless until Attach.
	Segments []Segment
	// Stop is what ended the sample (see Completion).
	Stop string
}

// Sample draws the candidates of all requests in one call of the policy: result[i][n] is candidate n of request i. It
// changes no tree. The step budget is what remains of the protocol's; a leaf without room for one token is an error
// ([Env.Observe] ends such a trajectory before).
func (e *Env) Sample(ctx context.Context, reqs []StepRequest) ([][]Candidate, error) {
	if len(reqs) == 0 {
		return nil, nil
	}
	generate := make([]GenerateRequest, len(reqs))
	for i, req := range reqs {
		if err := req.check(); err != nil {
			return nil, fmt.Errorf("sampling steps: request %d: %w", i, err)
		}
		prefix := req.Tree.PathTokens(req.Leaf)
		room := e.Protocol.MaxTokens - len(prefix)
		if room < 1 {
			return nil, fmt.Errorf("sampling steps: request %d: the path has %d tokens of at most %d", i, len(prefix),
				e.Protocol.MaxTokens)
		}
		generate[i] = GenerateRequest{
			Prefix: prefix, N: req.N, Sampling: req.Sampling, MaxTokens: min(room, e.Protocol.MaxStepTokens),
			Stop: e.Protocol.Stops(), Seed: req.Seed,
		}
	}
	completions, err := e.Policy.Generate(ctx, generate)
	if err != nil {
		return nil, fmt.Errorf("sampling steps: %w", err)
	}
	if len(completions) != len(reqs) {
		return nil, fmt.Errorf("sampling steps: the policy answered %d of %d requests", len(completions), len(reqs))
	}
	out := make([][]Candidate, len(reqs))
	for i := range reqs {
		if len(completions[i]) != reqs[i].N {
			return nil, fmt.Errorf("sampling steps: request %d: the policy gave %d completions, expected %d", i,
				len(completions[i]), reqs[i].N)
		}
		opening := ""
		if s := &reqs[i].Tree.Segments[reqs[i].Leaf]; s.Kind == Opening {
			opening = s.Text
		}
		for n, c := range completions[i] {
			if err := c.check(generate[i].MaxTokens); err != nil {
				return nil, fmt.Errorf("sampling steps: request %d: completion %d: %w", i, n, err)
			}
			out[i] = append(out[i], e.divide(opening, c))
		}
	}
	return out, nil
}

func (r *StepRequest) check() error {
	switch {
	case r.Tree == nil:
		return fmt.Errorf("no tree")
	case r.Leaf < 0 || r.Leaf >= len(r.Tree.Segments):
		return fmt.Errorf("leaf %d of %d segments", r.Leaf, len(r.Tree.Segments))
	case r.N < 1:
		return fmt.Errorf("%d candidates, expected 1 or more", r.N)
	}
	return nil
}

// check refuses what a policy must not return.
func (c *Completion) check(maxTokens int) error {
	switch {
	case len(c.Tokens) == 0 || len(c.Tokens) > maxTokens:
		return fmt.Errorf("%d tokens, expected 1 to %d", len(c.Tokens), maxTokens)
	case c.Unscored && c.LogProbs != nil:
		return fmt.Errorf("%d log-probabilities for tokens that have none", len(c.LogProbs))
	case !c.Unscored && len(c.LogProbs) != len(c.Tokens):
		return fmt.Errorf("%d log-probabilities for %d tokens", len(c.LogProbs), len(c.Tokens))
	}
	for j, lp := range c.LogProbs {
		if math.IsNaN(lp) || math.IsInf(lp, 0) {
			return fmt.Errorf("log-probability %v at token %d", lp, j)
		}
	}
	for j, id := range c.Tokens {
		if id < 0 {
			return fmt.Errorf("token id %d at token %d", id, j)
		}
	}
	return nil
}

// divide parses a completion and splits its tokens into segments. Nothing is encoded again: the ids and their
// log-probabilities are those that were sampled.
//
// The parser works on text, so its byte offsets are mapped to tokens. A token that straddles the boundary of two
// segments goes to the later one. The token that completes a closing tag may bring text with it (">\n\n" and "><" are
// single tokens in Qwen's vocabulary): that overhang belongs to the action and is not parsed, as is the end-of-sequence
// token.
func (e *Env) divide(opening string, c Completion) Candidate {
	text, ends := spans(e.Tokenizer, opening, c.Tokens)
	lastStart := len(opening)
	if n := len(ends); n > 1 {
		lastStart = ends[n-2]
	}
	parsed := text
	if c.Stop == EndOfSequence {
		parsed = text[:lastStart]
	} else if end, ok := stopEnd(text, lastStart, e.Protocol.Stops()); ok {
		parsed = text[:end]
	}
	step := e.Protocol.ParseStep(parsed)
	step.Action.End = len(text)

	candidate := Candidate{Step: step, Stop: c.Stop}
	start, from := 0, len(opening)
	for _, part := range []struct {
		kind  Kind
		where Range
	}{{Refine, step.Refine}, {Think, step.Thought}, {step.Kind, step.Action}} {
		end := start
		for end < len(ends) && !part.where.Empty() && ends[end] <= part.where.End {
			end++
		}
		if part.kind == step.Kind {
			end = len(ends) // tokens without text, too
		}
		if end == start {
			continue
		}
		segment := Segment{
			Parent: NoParent, Kind: part.kind, Tokens: slices.Clone(c.Tokens[start:end]), Text: text[from:ends[end-1]],
			Unscored: c.Unscored,
		}
		if !c.Unscored {
			segment.LogProbs = slices.Clone(c.LogProbs[start:end])
		}
		switch part.kind {
		case Refine:
			segment.Value = e.Protocol.Tags.Refine.content(step.Refine.Of(text))
		case Think:
			segment.Value = e.Protocol.Tags.Think.content(step.Thought.Of(text))
		default:
			segment.Value = step.Value
		}
		candidate.Segments = append(candidate.Segments, segment)
		start, from = end, ends[end-1]
	}
	return candidate
}

// spans decodes tokens after opening and returns the whole text and, for each token, the byte where its text ends. A
// token in the middle of a character ends where the token that completes the character does, so the two are never
// separated; a token without text goes with the one after it.
func spans(t *tokenizer.Tokenizer, opening string, tokens []int) (text string, ends []int) {
	var sb strings.Builder
	sb.WriteString(opening)
	ends = make([]int, len(tokens))
	stream := t.Stream()
	waiting := 0 // tokens before it have their ends
	for i, id := range tokens {
		piece := stream.Push(id)
		if i == len(tokens)-1 {
			piece += stream.Flush()
		}
		sb.WriteString(piece)
		if piece == "" {
			continue
		}
		for ; waiting < i; waiting++ {
			ends[waiting] = sb.Len()
		}
		if probe := *stream; probe.Flush() == "" { // else the token holds the beginning of another character
			ends[i] = sb.Len()
			waiting = i + 1
		}
	}
	for ; waiting < len(tokens); waiting++ {
		ends[waiting] = sb.Len()
	}
	return sb.String(), ends
}

// stopEnd returns where the first stop text ends that ends within the last token, which begins at byte lastStart.
func stopEnd(text string, lastStart int, stops []string) (end int, ok bool) {
	for _, stop := range stops {
		from := max(0, lastStart+1-len(stop))
		if i := strings.Index(text[from:], stop); i >= 0 && (!ok || from+i+len(stop) < end) {
			end, ok = from+i+len(stop), true
		}
	}
	return end, ok
}

// Attach puts a candidate into the tree after leaf and returns the index of its last segment, the action. A candidate
// can be attached several times; the tree shares its tokens.
func (t *Tree) Attach(leaf int, c Candidate) int {
	for _, s := range c.Segments {
		s.Parent = leaf
		leaf = t.Add(s)
	}
	return leaf
}
