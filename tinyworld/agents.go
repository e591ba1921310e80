package tinyworld

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"searchrl/rollout"
	"searchrl/tokenizer"
)

// Action is one step of an agent of this world: a thought, then a query or an answer.
type Action struct {
	Thought string
	Query   string // searched for, unless Answer is given
	Answer  string
}

// Texts of the thoughts.
const knowsThought = "I know the answer."

// Ask is the step that looks for a fact about a relation of a subject, and asks for exactly that.
func Ask(relation, subject string) Action {
	return Action{Thought: needs(relation, subject), Query: relation + " of " + subject}
}

// Conclude is the step that gives an answer.
func Conclude(answer string) Action { return Action{Thought: knowsThought, Answer: answer} }

func needs(relation, subject string) string { return "I need the " + relation + " of " + subject + "." }

// Text returns the step as the protocol spells it.
func (a Action) Text() string {
	if a.Answer != "" {
		return "<think> " + a.Thought + "</think><answer> " + a.Answer + "</answer>"
	}
	return "<think> " + a.Thought + "</think><search> " + a.Query + "</search>"
}

// Decide chooses an agent's next step.
type Decide func(v View, rng *rand.Rand) Action

// Agent is a scripted policy: it reads the text of the prefix and writes the step that its rule decides on. It goes
// through the same agent loop, parser and searcher as a trained policy, so what it scores is a property of the whole.
type Agent struct {
	tokenizer *tokenizer.Tokenizer
	decide    Decide
}

// NewAgent makes a policy of a rule.
func NewAgent(t *tokenizer.Tokenizer, decide Decide) *Agent {
	return &Agent{tokenizer: t, decide: decide}
}

// Generate implements rollout.Policy. Log-probabilities are 0: a rule is certain of its step.
func (a *Agent) Generate(ctx context.Context, reqs []rollout.GenerateRequest) ([][]rollout.Completion, error) {
	out := make([][]rollout.Completion, len(reqs))
	for i, req := range reqs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		view, err := ReadView(a.tokenizer.Decode(req.Prefix))
		if err != nil {
			return nil, fmt.Errorf("request %d: %w", i, err)
		}
		for n := range req.N {
			rng := rand.New(rand.NewPCG(req.Seed, uint64(n)))
			out[i] = append(out[i], a.complete(req, a.decide(view, rng).Text()))
		}
	}
	return out, nil
}

func (a *Agent) complete(req rollout.GenerateRequest, text string) rollout.Completion {
	c := rollout.Completion{Tokens: a.tokenizer.EncodeTrusted(text)}
	if len(c.Tokens) > req.MaxTokens {
		c.Tokens = c.Tokens[:req.MaxTokens]
	} else {
		for _, stop := range req.Stop {
			if strings.HasSuffix(text, stop) {
				c.Stop = stop
			}
		}
	}
	c.LogProbs = make([]float64, len(c.Tokens))
	return c
}

// Score implements rollout.Policy; an agent that follows a rule cannot score other texts.
func (a *Agent) Score(context.Context, []rollout.ScoreRequest) ([][][]float64, error) {
	return nil, errors.New("tinyworld: a scripted agent has no probabilities to score with")
}

// Oracle takes the shortest way to the answer: it asks for exactly the next fact, on the hard level for a register where
// that saves a search, and answers when it has read everything.
func (w *World) Oracle() Decide {
	greedy := w.Greedy()
	return func(v View, rng *rand.Rand) Action {
		known, at := v.Progress()
		left := v.Chain.Relations[min(max(known-(v.Chain.Len()-len(v.Chain.Relations)), 0), len(v.Chain.Relations)):]
		comparing := v.Chain.Rival != "" && known < 2
		if noun, covers := Register(left); w.level == Hard && !comparing && covers > 0 {
			rest := func(n int) int { return Searches(w.level, Chain{Relations: left[n:]}) }
			if rest(covers) < rest(1) {
				return Ask(noun, at)
			}
		}
		return greedy(v, rng)
	}
}

// Greedy asks for exactly the next fact, one at a time, and answers when it has read everything: each step is the best one
// by itself.
func (w *World) Greedy() Decide {
	return func(v View, _ *rand.Rand) Action {
		next, more := v.Next()
		if !more {
			_, answer := v.Progress()
			return Conclude(answer)
		}
		return Ask(next.Relation, next.Subject)
	}
}

// NeverSearch answers at once from the canonical edition, which it remembers completely.
func (w *World) NeverSearch() Decide {
	return func(v View, _ *rand.Rand) Action {
		answer, err := w.Recall(v.Chain, nil)
		if err != nil {
			answer = v.Chain.Start
		}
		return Conclude(answer)
	}
}

// WholeQuestion searches for the question as it stands, once, and answers with the first thing of the right type that
// the documents name as an object.
func (w *World) WholeQuestion() Decide {
	return func(v View, _ *rand.Rand) Action {
		if len(v.Queries) == 0 {
			return Action{Thought: "I need the answer.", Query: strings.TrimSuffix(v.Question, "?")}
		}
		last := v.Chain.Relations[len(v.Chain.Relations)-1]
		for _, f := range v.Facts {
			if t, ok := w.TypeOf(f.Object); ok && t == RangeOf(last) {
				return Conclude(f.Object)
			}
		}
		return Conclude(v.Chain.Start)
	}
}
