package sampled

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"

	"searchrl/checkpoint"
	"searchrl/plain"
	"searchrl/retrieval"
	"searchrl/rollout"
	"searchrl/tinyworld"
	"searchrl/tokenizer"
	"searchrl/verify/kernel"
)

// transformer is the embedded base policy in the standard tinyworld, decoded by package plain: the policy that reinforcement
// learning starts from.
type transformer struct {
	world *tinyworld.World
	env   rollout.Env
	judge facts
}

func newTransformer() (*transformer, error) {
	files, err := tinyworld.Base(tinyworld.Standard)
	if err != nil {
		return nil, err
	}
	tok, err := tokenizer.Load(files)
	if err != nil {
		return nil, err
	}
	config, weights, err := checkpoint.Load(files)
	if err != nil {
		return nil, fmt.Errorf("loading the base policy: %w", err)
	}
	policy, err := plain.New(config, weights, tok)
	if err != nil {
		return nil, err
	}
	world, err := tinyworld.New(tinyworld.Standard, tinyworld.Seed(tinyworld.Test, 0))
	if err != nil {
		return nil, err
	}
	searcher, err := retrieval.NewBM25(world.Documents())
	if err != nil {
		return nil, err
	}
	return &transformer{world: world, judge: facts{tok, world},
		env: rollout.Env{Policy: policy, Searcher: searcher, Tokenizer: tok, Protocol: tinyworld.Protocol(tinyworld.Standard)}}, nil
}

// asked is the agent loop on eight questions that need the given number of facts. With one turn for each and one for the
// answer an episode has T = hops + 1 steps at most.
func (f *transformer) asked(ctx context.Context, hops, k int, kernels kernel.Kernels) *loop {
	env := f.env
	env.Protocol.MaxTurns = hops + 1
	s := &loop{ctx: ctx, env: &env, judge: f.judge.judge, k: k, t: hops + 1, reward: judged, kernels: kernels}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 8 {
		s.questions = append(s.questions, f.world.QuestionOfHops(rng, hops))
	}
	return s
}

// judged is the width of the range of a step's reward.
const judged = 4

// facts is an exact judge: it knows the world and says of a step what SLATE's judge is asked to say.
type facts struct {
	tok   *tokenizer.Tokenizer
	world *tinyworld.World
}

// judge gives a step the sum of two scores in {−1, 0, 1}, one for the thought and one for the action, in [−2, 2]:
//
//	thought   1 if it names the fact that is needed next, or says that the answer is known when it is; else −1
//	query     1 if it names relation and subject of the fact that is needed next, 0 if one of them, else −1
//	answer    1 if it is the answer, else −1
//
// A step that is not valid has −2. The bonus for early answers is left out.
func (f facts) judge(prefix []int, step []rollout.Segment) (float64, error) {
	view, err := tinyworld.ReadView(f.tok.Decode(prefix))
	if err != nil {
		return 0, fmt.Errorf("judging a step: %w", err)
	}
	next, more := view.Next()
	thought, action := -1., -1.
	for _, s := range step {
		switch s.Kind {
		case rollout.Think:
			if more && names(s.Value, next.Relation) && names(s.Value, next.Subject) || !more && strings.Contains(s.Value, "know") {
				thought = 1
			}
		case rollout.Query:
			if more {
				action += score(names(s.Value, next.Relation)) + score(names(s.Value, next.Subject))
			}
		case rollout.Answer:
			if solution, err := f.world.Facts(view.Chain); err == nil && s.Value == solution[len(solution)-1].Object {
				action = 1
			}
		case rollout.Invalid:
			return -2, nil
		}
	}
	return thought + action, nil
}

func score(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// names reports whether a text holds a word.
func names(text, word string) bool {
	return strings.Contains(" "+strings.TrimSuffix(text, ".")+" ", " "+word+" ")
}
