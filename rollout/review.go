package rollout

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Placeholders of the templates in [Review].
const (
	StepsPlaceholder  = "{steps}"  // in Prompt
	ActionPlaceholder = "{action}" // in Query and Answer: what was searched for, what was answered
)

// Review is how a draft is put to the refiner (Search-R2): after the draft's last segment the environment inserts Prompt,
// which lists the draft's steps once more with their numbers, and the policy goes on with a decision, " accept" or
// " revise n", and the decision's closing tag. The zero value means that the protocol has no review.
//
// The form is our reconstruction; what the paper's refiner reads and writes is not known.
type Review struct {
	// Prompt holds {steps} exactly once and ends with the decision's opening tag.
	Prompt string `json:"prompt,omitempty"`
	// Query, Answer and Invalid list one step by its kind; {n} is the step's number, from 1, and {action} what it searched
	// for or answered.
	Query   string `json:"query,omitempty"`
	Answer  string `json:"answer,omitempty"`
	Invalid string `json:"invalid,omitempty"`
	// MaxTokens is the most tokens a decision, its closing tag included.
	MaxTokens int `json:"max_tokens,omitempty"`
}

func (r *Review) validate(tags Tags) error {
	if r.Prompt == "" {
		return nil
	}
	switch {
	case tags.Decision == "":
		return errors.New("a review needs a decision tag, there is none")
	case strings.Count(r.Prompt, StepsPlaceholder) != 1:
		return fmt.Errorf("the review prompt holds %s %d times, expected once", StepsPlaceholder, strings.Count(r.Prompt, StepsPlaceholder))
	case !strings.HasSuffix(strings.TrimSpace(r.Prompt), tags.Decision.Open()):
		return fmt.Errorf("the review prompt does not end with %s", tags.Decision.Open())
	case !strings.Contains(r.Query, ActionPlaceholder) || !strings.Contains(r.Answer, ActionPlaceholder):
		return fmt.Errorf("the review lists a step without %s", ActionPlaceholder)
	case r.Invalid == "":
		return errors.New("the review has no text for an invalid step")
	case r.MaxTokens < 1:
		return fmt.Errorf("at most %d tokens a decision, expected 1 or more", r.MaxTokens)
	}
	return nil
}

// Ruling is what a refiner decided about a draft of n steps.
type Ruling struct {
	Accept bool // the draft stands
	// Keep is c, the number of steps that are kept, 0 ≤ c < n: the draft is cut after step c and sampled anew from there.
	// 0 keeps the question only. n of an accepted draft.
	Keep int
	// Unreadable is set if the text was no decision; it then counts as accept.
	Unreadable bool
}

// String returns the ruling as a decision says it: "accept", or "revise n" for a cut before step n, its first flawed one.
func (r Ruling) String() string {
	if r.Accept {
		return "accept"
	}
	return "revise " + strconv.Itoa(r.Keep+1)
}

// Rulings returns what can be decided about a draft of the given number of steps: accept, then the cuts that keep
// 0, 1, …, steps−1 steps.
func Rulings(steps int) []Ruling {
	rulings := []Ruling{{Accept: true, Keep: steps}}
	for c := range steps {
		rulings = append(rulings, Ruling{Keep: c})
	}
	return rulings
}

// ParseDecision reads a decision about a draft of the given number of steps, with or without its tags. It is strict: the
// word accept, or the word revise and the number of a step of the draft in plain digits; white space does not count.
// Everything else is unreadable and leaves the draft as it is. It never fails.
func (p *Protocol) ParseDecision(text string, steps int) Ruling {
	unreadable := Ruling{Accept: true, Keep: steps, Unreadable: true}
	words := strings.Fields(p.Tags.Decision.content(text))
	switch {
	case len(words) == 1 && words[0] == "accept":
		return Ruling{Accept: true, Keep: steps}
	case len(words) != 2 || words[0] != "revise":
		return unreadable
	}
	n, err := strconv.Atoi(words[1])
	if err != nil || n < 1 || n > steps || strconv.Itoa(n) != words[1] {
		return unreadable
	}
	return Ruling{Keep: n - 1}
}

// Reviews reports whether the protocol has a review.
func (p *Protocol) Reviews() bool { return p.Review.Prompt != "" }

// Review appends the review prompt to a finished draft's leaf and returns its index: what a decision is sampled after. It
// is false, and the tree unchanged, where the draft leaves no room for the prompt and a decision.
func (e *Env) Review(tree *Tree, leaf int) (segment int, ok bool, err error) {
	if !e.Protocol.Reviews() {
		return NoParent, false, errors.New("reviewing a draft: the protocol has no review")
	}
	if leaf < 0 || leaf >= len(tree.Segments) {
		return NoParent, false, fmt.Errorf("reviewing a draft: leaf %d of %d segments", leaf, len(tree.Segments))
	}
	tokens := e.reviewTokens(tree, leaf)
	if len(tree.PathTokens(leaf))+len(tokens)+e.Protocol.Review.MaxTokens > e.Protocol.MaxTokens {
		return NoParent, false, nil
	}
	return tree.Add(e.inserted(ReviewPrompt, leaf, tokens)), true, nil
}

// reviewTokens encodes the templates as our own text and what the steps say, which the policy wrote, as text from outside.
func (e *Env) reviewTokens(tree *Tree, leaf int) []int {
	review := &e.Protocol.Review
	before, after, _ := strings.Cut(review.Prompt, StepsPlaceholder)
	tokens := e.Tokenizer.EncodeTrusted(before)
	for n, step := range tree.Steps(leaf) {
		action := &tree.Segments[step.Action]
		template := review.Invalid
		switch action.Kind {
		case Query:
			template = review.Query
		case Answer:
			template = review.Answer
		}
		template = strings.ReplaceAll(template, NumberPlaceholder, strconv.Itoa(n+1))
		before, after, _ := strings.Cut(template, ActionPlaceholder)
		said := e.Protocol.Tags.Shield(action.Value)
		if strings.HasSuffix(before, " ") { // a word's token holds the space before it
			before, said = strings.TrimSuffix(before, " "), " "+said
		}
		if action.Kind == Invalid {
			said = ""
		}
		tokens = slices.Concat(tokens, e.Tokenizer.EncodeTrusted(before), e.Tokenizer.Encode(said), e.Tokenizer.EncodeTrusted(after))
	}
	return append(tokens, e.Tokenizer.EncodeTrusted(after)...)
}

// DecisionTokens encodes a ruling the way it is usually written: a space, the words, and the closing tag.
func (e *Env) DecisionTokens(r Ruling) []int {
	return e.Tokenizer.EncodeTrusted(" " + r.String() + e.Protocol.Tags.Decision.Close())
}

// Decided is one sampled decision.
type Decided struct {
	Ruling
	Segment int // the Decision segment
}

// Decide samples a decision after each review prompt, in one call of the policy, and appends it to the tree. seeds has one
// number a leaf. result[i] belongs to leaves[i].
func (e *Env) Decide(ctx context.Context, leaves []Leaf, sampling Sampling, seeds []uint64) ([]Decided, error) {
	if len(seeds) != len(leaves) {
		return nil, fmt.Errorf("sampling decisions: %d seeds for %d drafts", len(seeds), len(leaves))
	}
	if len(leaves) == 0 {
		return nil, nil
	}
	reqs := make([]GenerateRequest, len(leaves))
	for i, leaf := range leaves {
		if err := leaf.isReview(); err != nil {
			return nil, fmt.Errorf("sampling decisions: draft %d: %w", i, err)
		}
		reqs[i] = GenerateRequest{
			Prefix: leaf.Tree.PathTokens(leaf.Segment), N: 1, Sampling: sampling, MaxTokens: e.Protocol.Review.MaxTokens,
			Stop: []string{e.Protocol.Tags.Decision.Close()}, Seed: seeds[i],
		}
	}
	completions, err := e.Policy.Generate(ctx, reqs)
	if err != nil {
		return nil, fmt.Errorf("sampling decisions: %w", err)
	}
	if len(completions) != len(reqs) {
		return nil, fmt.Errorf("sampling decisions: the policy answered %d of %d requests", len(completions), len(reqs))
	}
	out := make([]Decided, len(leaves))
	for i, leaf := range leaves {
		if len(completions[i]) != 1 {
			return nil, fmt.Errorf("sampling decisions: draft %d: the policy gave %d completions, expected 1", i, len(completions[i]))
		}
		c := completions[i][0]
		if err := c.check(reqs[i].MaxTokens); err != nil {
			return nil, fmt.Errorf("sampling decisions: draft %d: %w", i, err)
		}
		out[i] = e.attachDecision(leaf, c)
	}
	return out, nil
}

// attachDecision reads a completion; one that no closing tag ended is unreadable.
func (e *Env) attachDecision(leaf Leaf, c Completion) Decided {
	steps := len(leaf.Tree.Steps(leaf.Segment))
	text := e.Tokenizer.Decode(c.Tokens)
	ruling := Ruling{Accept: true, Keep: steps, Unreadable: true}
	if end := strings.Index(text, e.Protocol.Tags.Decision.Close()); end >= 0 {
		ruling = e.Protocol.ParseDecision(text[:end], steps)
	}
	s := Segment{Parent: leaf.Segment, Kind: Decision, Tokens: c.Tokens, LogProbs: c.LogProbs, Unscored: c.Unscored, Text: text}
	if !ruling.Unreadable {
		s.Value = ruling.String()
	}
	return Decided{Ruling: ruling, Segment: leaf.Tree.Add(s)}
}

func (l Leaf) isReview() error {
	if l.Tree == nil || l.Segment < 0 || l.Segment >= len(l.Tree.Segments) {
		return fmt.Errorf("leaf %d of no tree or a shorter one", l.Segment)
	}
	if kind := l.Tree.Segments[l.Segment].Kind; kind != ReviewPrompt {
		return fmt.Errorf("leaf %d is a %s segment, expected a review", l.Segment, kind)
	}
	return nil
}

// Odds are the probabilities of what can be decided about a draft, as the policy's logits at temperature 1 give them for
// the decisions' usual spelling, normalised over all of them.
type Odds struct {
	// Accept is α, the probability of accept.
	Accept float64
	// Cut[c] is π_h(c), the probability that a revision keeps c steps; it adds up to 1. Empty for a draft without steps.
	Cut []float64
	// Readable is what all of them have together before they are normalised. The rest is on texts that are no decision, or
	// a decision in another spelling.
	Readable float64
}

// Odds scores every possible decision after each review prompt. result[i] belongs to leaves[i].
func (e *Env) Odds(ctx context.Context, leaves []Leaf) ([]Odds, error) {
	if len(leaves) == 0 {
		return nil, nil
	}
	reqs := make([]ScoreRequest, len(leaves))
	for i, leaf := range leaves {
		if err := leaf.isReview(); err != nil {
			return nil, fmt.Errorf("scoring decisions: draft %d: %w", i, err)
		}
		reqs[i].Prefix = leaf.Tree.PathTokens(leaf.Segment)
		for _, ruling := range Rulings(len(leaf.Tree.Steps(leaf.Segment))) {
			reqs[i].Targets = append(reqs[i].Targets, e.DecisionTokens(ruling))
		}
	}
	scores, err := e.Policy.Score(ctx, reqs)
	if err != nil {
		return nil, fmt.Errorf("scoring decisions: %w", err)
	}
	if len(scores) != len(reqs) {
		return nil, fmt.Errorf("scoring decisions: the policy answered %d of %d requests", len(scores), len(reqs))
	}
	out := make([]Odds, len(leaves))
	for i, targets := range scores {
		logs := make([]float64, len(targets))
		for m, tokens := range targets {
			for _, lp := range tokens {
				logs[m] += lp
			}
		}
		if len(logs) != len(reqs[i].Targets) {
			return nil, fmt.Errorf("scoring decisions: draft %d: the policy scored %d of %d targets", i, len(logs), len(reqs[i].Targets))
		}
		if out[i], err = odds(logs); err != nil {
			return nil, fmt.Errorf("scoring decisions: draft %d: %w", i, err)
		}
	}
	return out, nil
}

// odds normalises the log-probabilities of accept and of each cut.
func odds(logs []float64) (Odds, error) {
	most := slices.Max(logs)
	if math.IsNaN(most) || math.IsInf(most, 0) {
		return Odds{}, fmt.Errorf("the log-probabilities of the decisions are %v", logs)
	}
	o := Odds{Accept: softmax(logs)[0]}
	if len(logs) > 1 {
		o.Cut = softmax(logs[1:])
	}
	for _, lp := range logs {
		o.Readable += math.Exp(lp)
	}
	o.Readable = min(o.Readable, 1)
	return o, nil
}

func softmax(logs []float64) []float64 {
	most := slices.Max(logs)
	p := make([]float64, len(logs))
	total := 0.0
	for i, lp := range logs {
		p[i] = math.Exp(lp - most)
		total += p[i]
	}
	for i := range p {
		p[i] /= total
	}
	return p
}
