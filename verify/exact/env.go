package exact

import (
	"context"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"sync"
	"testing/fstest"

	"searchrl/qa"
	"searchrl/retrieval"
	"searchrl/rollout"
	"searchrl/tokenizer"
)

// Env is a process behind the interfaces that the methods know: its policy samples the process' actions as text, its
// searcher brings the process' documents. A method that trains a transformer runs on it unchanged.
//
// A step that takes action i and meets document d is written
//
//	<think>i</think><search>i d</search><information>d</information>
//	<think>i</think><answer>right</answer>       if i ends the trajectory; "wrong" unless its reward is 1
//
// A search engine answers equal queries equally, so what the search will bring is drawn with the query's wording: d has the
// document's probability given i. Every tag is one token and every other character is one, so the tokens do not depend on
// how a text was put together, the total log-probability of the sampled tokens is that of the trajectory, and only the
// digits' log-probabilities are not 0.
//
// The reward of the methods that grade answers by exact match is the last step's own, where that is 0 or 1.
type Env struct {
	*rollout.Env
	// Question is what the process is asked; its gold answer is "right". Any question without a line break will do.
	Question qa.Question
	process  *Process
}

// NewEnv puts p behind a policy and a searcher. Its protocol allows T turns, opens no step and forces no answer.
func NewEnv(p *Process) (*Env, error) {
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("environment: %w", err)
	}
	tags := rollout.DefaultTags()
	tok, err := characters()
	if err != nil {
		return nil, fmt.Errorf("environment: %w", err)
	}
	policy := &policy{tok: tok, tags: tags, root: p.Root, tries: map[*Node]*trie{}}
	policy.grow(p.Root)
	protocol := rollout.Bare()
	protocol.Tags, protocol.MaxTurns, protocol.TopK, protocol.Document = tags, p.Steps(), 1, rollout.TextPlaceholder
	return &Env{
		Env:      &rollout.Env{Policy: policy, Searcher: library{}, Tokenizer: tok, Protocol: protocol},
		Question: qa.Question{ID: "process", Text: "Which way?", Answers: []string{right}},
		process:  p,
	}, nil
}

const right, wrong = "right", "wrong"

// characters is the tokenizer of every environment, made once: the default tags and single characters.
var characters = sync.OnceValues(func() (*tokenizer.Tokenizer, error) {
	tags := rollout.DefaultTags()
	var added []string
	for _, tag := range []rollout.Tag{tags.Think, tags.Search, tags.Information, tags.Answer} {
		added = append(added, tag.Open(), tag.Close())
	}
	file, err := tokenizer.BuildWords(nil, added)
	if err != nil {
		return nil, fmt.Errorf("building the tokenizer: %w", err)
	}
	tok, err := tokenizer.Load(fstest.MapFS{"tokenizer.json": {Data: file}})
	if err != nil {
		return nil, fmt.Errorf("loading the tokenizer: %w", err)
	}
	return tok, nil
})

// Process returns the process behind the environment.
func (e *Env) Process() *Process { return e.process }

// Follow reads the tokens of a path: the prompt and any number of whole steps, documents included or not after the last.
// It returns the trajectory so far (its probability includes that of the last query's wording) and the decision point where
// it stands, nil if it is over or waits for its documents. The last of its rewards is what SLATE's judge says of the last step.
func (e *Env) Follow(tokens []int) (Trajectory, *Node, error) {
	at, err := e.Policy.(*policy).locate(tokens)
	switch {
	case err != nil:
		return Trajectory{}, nil, err
	case at.trie != nil && at.trie != e.Policy.(*policy).tries[at.node]:
		return Trajectory{}, nil, fmt.Errorf("following %d tokens: they end within a step", len(tokens))
	case at.trie == nil:
		return at.so, nil, nil
	}
	return at.so, at.node, nil
}

// library is the searcher: it brings the document that the query's second word names.
type library struct{}

// Search implements retrieval.Searcher. A query of another form finds nothing.
func (library) Search(ctx context.Context, queries []string, k int) ([][]retrieval.Hit, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if k < 1 {
		return nil, fmt.Errorf("searching: %d documents asked for, expected 1 or more", k)
	}
	out := make([][]retrieval.Hit, len(queries))
	for i, query := range queries {
		if _, d, ok := strings.Cut(query, " "); ok {
			out[i] = []retrieval.Hit{{Document: retrieval.Document{ID: d, Text: d}, Score: 1}}
		}
	}
	return out, nil
}

// texts writes the steps that can follow a decision point, with what each leads to.
func (p *policy) texts(n *Node) []written {
	var out []written
	for i := range n.Actions {
		a := &n.Actions[i]
		index := strconv.Itoa(i)
		think := p.tags.Think.Open() + index + p.tags.Think.Close()
		if a.Ends() {
			answer := wrong
			if a.Reward.Cmp(one) == 0 {
				answer = right
			}
			out = append(out, written{p: a.P, action: i, document: -1,
				tokens: p.tok.EncodeTrusted(think + p.tags.Answer.Open() + answer + p.tags.Answer.Close())})
		}
		for d, doc := range a.Documents {
			query := p.tags.Search.Open() + index + " " + strconv.Itoa(d) + p.tags.Search.Close()
			out = append(out, written{p: new(big.Rat).Mul(a.P, doc.P), action: i, document: d, tokens: p.tok.EncodeTrusted(think + query)})
		}
	}
	return out
}

// written is a step as text: action and document (−1 for an answer), and its probability.
type written struct {
	p                *big.Rat
	action, document int
	tokens           []int
}
