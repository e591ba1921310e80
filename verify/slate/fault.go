package slate

import (
	"context"
	"math"
	"math/rand/v2"

	"searchrl/estimator"
	"searchrl/grpo"
	"searchrl/judge"
	"searchrl/qa"
	"searchrl/rollout"
	"searchrl/slate"
	"searchrl/verify"
)

// fault is a wrong version of the method, and the claim that must see it.
type fault struct {
	id, text string
	by       check
	collect  collector
}

// patience is the number of cases within which a fault must show. The rarest one shows in a case of sixteen.
const patience = 1000

// Mutants are the planted faults, each with the claim that must catch it.
func Mutants() []verify.Mutant {
	var mutants []verify.Mutant
	for _, f := range faults() {
		mutants = append(mutants, verify.Mutant{ID: f.id, Text: f.text,
			Catch: func(ctx context.Context, effort verify.Effort) (string, bool, error) {
				e, err := f.by.run(ctx, f.collect, effort, patience)
				return f.by.id, e.Status == verify.Broken, err
			}})
	}
	return mutants
}

// edited is the real method, whose trees are changed before they are trained on.
func edited(edit func(m slate.Method, trees []*rollout.Tree)) collector {
	return func(ctx context.Context, m slate.Method, env *rollout.Env, questions []qa.Question, rng *rand.Rand) ([]*rollout.Tree, error) {
		trees, err := real(ctx, m, env, questions, rng)
		if err == nil {
			edit(m, trees)
		}
		return trees, err
	}
}

// grouped edits one decision point after the other: advantages[j] is candidate j's, nil of one that is left out.
func grouped(edit func(m slate.Method, g *group, advantages []*float64)) collector {
	return edited(func(m slate.Method, trees []*rollout.Tree) {
		for _, g := range all(trees) {
			edit(m, &g, held(&g))
		}
	})
}

// held are the candidates' advantages.
func held(g *group) []*float64 {
	out := make([]*float64, len(g.of))
	for j := range g.of {
		if as := g.action(j).Advantages; as != nil {
			out[j] = &as[0]
		}
	}
	return out
}

// set gives candidate j's tokens an advantage.
func (g *group) set(j int, a float64) {
	for _, i := range g.of[j] {
		segment := &g.tree.Segments[i]
		segment.Advantages = make([]float64, len(segment.Tokens))
		for n := range segment.Advantages {
			segment.Advantages[n] = a
		}
	}
}

// reward is candidate j's, as the method kept it in the tree.
func (g *group) reward(j int) float64 {
	r := 0.
	for _, i := range g.of[j] {
		for _, part := range g.tree.Segments[i].Rewards {
			r += part.Value
		}
	}
	return r
}

// mapped changes each advantage on its own.
func mapped(change func(m slate.Method, g *group, j int, a float64) float64) collector {
	return grouped(func(m slate.Method, g *group, advantages []*float64) {
		for j, a := range advantages {
			if a != nil {
				g.set(j, change(m, g, j, *a))
			}
		}
	})
}

// pooled gives the advantages among all candidates of the decision points that have the same key.
func pooled(key func(g *group, tree int) int) collector {
	return edited(func(m slate.Method, trees []*rollout.Tree) {
		type member struct {
			g *group
			j int
		}
		pools := map[int][]member{}
		for t, tree := range trees {
			for _, g := range groups(tree) {
				for j, a := range held(&g) {
					if a != nil {
						pools[key(&g, t)] = append(pools[key(&g, t)], member{&g, j})
					}
				}
			}
		}
		for _, pool := range pools {
			rewards := make([]float64, len(pool))
			for i, c := range pool {
				rewards[i] = c.g.reward(c.j)
			}
			for i, a := range estimator.Truncated(rewards, m.Normalisation) {
				pool[i].g.set(pool[i].j, a)
			}
		}
	})
}

// rewarded adds to the candidates' rewards.
func rewarded(more func(m slate.Method, g *group, j, turns int) float64) collector {
	return func(ctx context.Context, m slate.Method, env *rollout.Env, questions []qa.Question, rng *rand.Rand) ([]*rollout.Tree, error) {
		trees, err := real(ctx, m, env, questions, rng)
		for _, g := range all(trees) {
			for j := range g.of {
				action := g.action(j)
				action.Rewards = append(action.Rewards, rollout.Reward{Name: "more", Value: more(m, &g, j, env.Protocol.MaxTurns)})
			}
		}
		return trees, err
	}
}

// answers is a fault of the bonus, which searches do not have.
func answers(more func(m slate.Method, t, turns float64) float64) collector {
	return rewarded(func(m slate.Method, g *group, j, turns int) float64 {
		if g.action(j).Kind != rollout.Answer {
			return 0
		}
		return more(m, float64(g.turn), float64(turns))
	})
}

// judged is a wrong reading of the judge.
func judged(read func(v *judge.Verdict)) collector {
	return func(ctx context.Context, m slate.Method, env *rollout.Env, questions []qa.Question, rng *rand.Rand) ([]*rollout.Tree, error) {
		m.Judge = misread{m.Judge, read}
		return real(ctx, m, env, questions, rng)
	}
}

type misread struct {
	judge judge.Judge
	read  func(v *judge.Verdict)
}

// Name implements judge.Judge.
func (j misread) Name() string { return j.judge.Name() }

// Judge implements judge.Judge.
func (j misread) Judge(ctx context.Context, steps []judge.Step) ([]judge.Verdict, error) {
	out, err := j.judge.Judge(ctx, steps)
	for i := range out {
		j.read(&out[i])
	}
	return out, err
}

// failed reads a score that could not be given as the given one.
func failed(as float64) collector {
	return judged(func(v *judge.Verdict) {
		for _, s := range []*judge.Score{&v.Thought, &v.Action} {
			if !s.Known {
				s.Value, s.Known = as, true
			}
		}
	})
}

// searching makes searches of its own, of every candidate's query or of what is selected.
func searching(which func(g *group, j int) bool) collector {
	return func(ctx context.Context, m slate.Method, env *rollout.Env, questions []qa.Question, rng *rand.Rand) ([]*rollout.Tree, error) {
		trees, err := real(ctx, m, env, questions, rng)
		for _, g := range all(trees) {
			for j := range g.of {
				if g.action(j).Kind == rollout.Query && which(&g, j) && err == nil {
					_, err = env.Search(ctx, []string{g.action(j).Value})
				}
			}
		}
		return trees, err
	}
}

// asking changes how the policy is asked.
func asking(ask func(ctx context.Context, p rollout.Policy, reqs []rollout.GenerateRequest) ([][]rollout.Completion, error)) collector {
	return func(ctx context.Context, m slate.Method, env *rollout.Env, questions []qa.Question, rng *rand.Rand) ([]*rollout.Tree, error) {
		wrong := *env
		wrong.Policy = asked{env.Policy, ask}
		return real(ctx, m, &wrong, questions, rng)
	}
}

type asked struct {
	rollout.Policy
	ask func(ctx context.Context, p rollout.Policy, reqs []rollout.GenerateRequest) ([][]rollout.Completion, error)
}

// Generate implements rollout.Policy.
func (a asked) Generate(ctx context.Context, reqs []rollout.GenerateRequest) ([][]rollout.Completion, error) {
	return a.ask(ctx, a.Policy, reqs)
}

// with changes the method's settings.
func with(change func(m *slate.Method)) collector {
	return func(ctx context.Context, m slate.Method, env *rollout.Env, questions []qa.Question, rng *rand.Rand) ([]*rollout.Tree, error) {
		change(&m)
		return real(ctx, m, env, questions, rng)
	}
}

// trained makes the tokens of segments that are no candidate's own trainable.
func trained(kind rollout.Kind) collector {
	return edited(func(_ slate.Method, trees []*rollout.Tree) {
		for _, tree := range trees {
			for i := range tree.Segments {
				if s := &tree.Segments[i]; s.Kind == kind {
					s.LogProbs, s.Advantages = make([]float64, len(s.Tokens)), make([]float64, len(s.Tokens))
				}
			}
		}
	})
}

// pick keeps the advantage of one part of a candidate.
func pick(keep func(kind rollout.Kind) bool) collector {
	return grouped(func(_ slate.Method, g *group, _ []*float64) {
		for j := range g.of {
			for _, i := range g.of[j] {
				if !keep(g.tree.Segments[i].Kind) {
					g.tree.Segments[i].Advantages = nil
				}
			}
		}
	})
}

// best is the index of the candidate with the highest advantage.
func best(advantages []*float64) int {
	top := 0
	for j, a := range advantages {
		if a != nil && (advantages[top] == nil || *a > *advantages[top]) {
			top = j
		}
	}
	return top
}

// root is the standard deviation that the method divided by, and whether it divided.
func root(m slate.Method, g *group, advantages []*float64) (std float64, n int) {
	mean, square := 0., 0.
	for j, a := range advantages {
		if a != nil {
			mean, n = mean+g.reward(j), n+1
		}
	}
	mean /= float64(n)
	for j, a := range advantages {
		if a != nil {
			square += (g.reward(j) - mean) * (g.reward(j) - mean)
		}
	}
	if m.Normalisation == grpo.MeanOnly || n < 2 {
		return 1, n
	}
	return math.Sqrt(square / float64(n-1)), n
}
