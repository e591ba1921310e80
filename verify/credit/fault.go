package credit

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"searchrl/baseline/gigpo"
	"searchrl/baseline/igpo"
	"searchrl/grpo"
	"searchrl/qa"
	"searchrl/rollout"
	"searchrl/verify"
)

// fault is a wrong version of one rule.
type fault struct {
	by       Check
	id, text string
	plant    func(r *Rules)
}

// Mutants lists the planted faults, each with the check that must catch it.
func Mutants() []verify.Mutant {
	var mutants []verify.Mutant
	for _, f := range slices.Concat(gigpoFaults(), treeFaults(), mrsearchFaults(), igpoFaults()) {
		mutants = append(mutants, verify.Mutant{ID: f.id, Text: f.text,
			Catch: func(ctx context.Context, effort verify.Effort) (string, bool, error) {
				r := Real()
				f.plant(&r)
				evidence, err := f.by.Run(ctx, r, effort.Rand(0))
				return f.by.ID, evidence.Status == verify.Broken, err
			}})
	}
	return mutants
}

// edited is GiGPO on episodes and settings that were changed before.
func edited(edit func(c *gigpo.Credit, group []gigpo.Episode)) func(*Rules) {
	return func(r *Rules) {
		r.Episodes = func(c gigpo.Credit, group []gigpo.Episode) [][]float64 {
			changed := make([]gigpo.Episode, len(group))
			for i, e := range group {
				changed[i] = gigpo.Episode{Anchors: slices.Clone(e.Anchors), Rewards: slices.Clone(e.Rewards)}
			}
			edit(&c, changed)
			return c.Advantages(changed)
		}
	}
}

// stepwise is GiGPO with another step advantage.
func stepwise(step func(c gigpo.Credit, group []gigpo.Episode) [][]float64) func(*Rules) {
	return func(r *Rules) {
		r.Episodes = func(c gigpo.Credit, group []gigpo.Episode) [][]float64 {
			episode, out := c.EpisodeAdvantages(group), step(c, group)
			for i := range out {
				for t := range out[i] {
					out[i][t] = episode[i] + c.Omega*out[i][t]
				}
			}
			return out
		}
	}
}

// returning is the step advantage of rewards that were replaced by other returns.
func returning(returns func(rewards []float64, gamma float64) []float64) func(*Rules) {
	return stepwise(func(c gigpo.Credit, group []gigpo.Episode) [][]float64 {
		changed := make([]gigpo.Episode, len(group))
		for i, e := range group {
			changed[i] = gigpo.Episode{Anchors: e.Anchors, Rewards: returns(e.Rewards, c.Gamma)}
		}
		c.Gamma = 0 // a reward is its own return
		return c.StepAdvantages(changed)
	})
}

func gigpoFaults() []fault {
	by := gigpoEpisodes
	return []fault{
		{by, "gigpo/return-after", "a step's return begins with the step after it", returning(func(rewards []float64, gamma float64) []float64 {
			return append(gigpo.Returns(rewards, gamma), 0)[min(1, len(rewards)):][:len(rewards)]
		})},
		{by, "gigpo/return-so-far", "a step's return is what came before it", returning(func(rewards []float64, gamma float64) []float64 {
			turned := slices.Clone(rewards)
			slices.Reverse(turned)
			turned = gigpo.Returns(turned, gamma)
			slices.Reverse(turned)
			return turned
		})},
		{by, "gigpo/discount-from-start", "rewards are discounted from the episode's start, not from the step", returning(func(rewards []float64, gamma float64) []float64 {
			out := gigpo.Returns(rewards, gamma)
			for t := range out {
				out[t] *= math.Pow(gamma, float64(t))
			}
			return out
		})},
		{by, "gigpo/undiscounted", "γ is not used", returning(func(rewards []float64, _ float64) []float64 { return gigpo.Returns(rewards, 1) })},
		{by, "gigpo/by-index", "steps are compared by their index, not by what they start from", edited(func(_ *gigpo.Credit, group []gigpo.Episode) {
			for i := range group {
				for t := range group[i].Anchors {
					group[i].Anchors[t] = string(rune('a' + t))
				}
			}
		})},
		{by, "gigpo/one-group", "all steps of a question are one group", edited(func(_ *gigpo.Credit, group []gigpo.Episode) {
			for i := range group {
				for t := range group[i].Anchors {
					group[i].Anchors[t] = ""
				}
			}
		})},
		{by, "gigpo/own-apart", "steps are compared within their own trajectory alone", edited(func(_ *gigpo.Credit, group []gigpo.Episode) {
			for i := range group {
				for t := range group[i].Anchors {
					group[i].Anchors[t] += string(rune('0' + i))
				}
			}
		})},
		{by, "gigpo/per-step", "the episode's statistics count its steps, asked for or not", edited(func(c *gigpo.Credit, _ []gigpo.Episode) { c.PerStep = true })},
		{by, "gigpo/no-omega", "ω is not used", edited(func(c *gigpo.Credit, _ []gigpo.Episode) { c.Omega = 1 })},
		{by, "gigpo/alone-keeps-return", "a step that is alone keeps its return", stepwise(func(c gigpo.Credit, group []gigpo.Episode) [][]float64 {
			count, out := map[string]int{}, c.StepAdvantages(group)
			for _, e := range group {
				for _, a := range e.Anchors {
					count[a]++
				}
			}
			for i, e := range group {
				for t, a := range e.Anchors {
					if count[a] == 1 {
						out[i][t] = gigpo.Returns(e.Rewards, c.Gamma)[t]
					}
				}
			}
			return out
		})},
		{by, "gigpo/std-with-n", "the step groups' deviation has n in its denominator", stepwise(func(c gigpo.Credit, group []gigpo.Episode) [][]float64 {
			count, out := map[string]float64{}, c.StepAdvantages(group)
			for _, e := range group {
				for _, a := range e.Anchors {
					count[a]++
				}
			}
			for i, e := range group {
				for t, a := range e.Anchors {
					if n := count[a]; n > 1 && c.Normalisation == grpo.Standardised {
						out[i][t] *= math.Sqrt(n / (n - 1))
					}
				}
			}
			return out
		})},
	}
}

// reassigned is GiGPO whose trees get other advantages afterwards.
func reassigned(edit func(c gigpo.Credit, trees []*rollout.Tree)) func(*Rules) {
	return func(r *Rules) {
		collect := r.Collect
		r.Collect = func(m gigpo.Method, env *rollout.Env, questions []qa.Question, rng *rand.Rand) ([]*rollout.Tree, error) {
			trees, err := collect(m, env, questions, rng)
			if err == nil {
				edit(m.Credit, trees)
			}
			return trees, err
		}
	}
}

// observing is GiGPO with other episodes: groups of trees, observed with edit.
func observing(together bool, edit func(tree *rollout.Tree, i int, e *gigpo.Episode)) func(*Rules) {
	return reassigned(func(c gigpo.Credit, trees []*rollout.Tree) {
		type place struct {
			tree *rollout.Tree
			i    int
		}
		var group []gigpo.Episode
		var where []place
		flush := func() {
			for k, row := range c.Advantages(group) {
				tree := where[k].tree
				for t, span := range tree.Steps(tree.Trajectories[where[k].i].Leaf) {
					grpo.SetStepAdvantage(tree, span, row[t])
				}
			}
			group, where = nil, nil
		}
		for _, tree := range trees {
			for i := range tree.Trajectories {
				e := gigpo.Observe(tree, i)
				edit(tree, i, &e)
				group, where = append(group, e), append(where, place{tree, i})
			}
			if !together {
				flush()
			}
		}
		if together {
			flush()
		}
	})
}

func treeFaults() []fault {
	by := gigpoTrees
	return []fault{
		{by, "gigpo/questions-mixed", "one group of all questions' trajectories", observing(true, func(*rollout.Tree, int, *gigpo.Episode) {})},
		{by, "gigpo/own-action", "a step's anchor is its action, not what it starts from", observing(false, func(tree *rollout.Tree, i int, e *gigpo.Episode) {
			for t, span := range tree.Steps(tree.Trajectories[i].Leaf) {
				e.Anchors[t] = tree.Segments[span.Action].Text
			}
		})},
		{by, "gigpo/outcome-first", "the outcome is the first step's reward", observing(false, func(_ *rollout.Tree, _ int, e *gigpo.Episode) { slices.Reverse(e.Rewards) })},
		{by, "gigpo/thought-left-out", "the thought of a step is not trained", reassigned(func(_ gigpo.Credit, trees []*rollout.Tree) {
			for _, tree := range trees {
				for s := range tree.Segments {
					if tree.Segments[s].Kind == rollout.Think {
						tree.Segments[s].Advantages = nil
					}
				}
			}
		})},
		{by, "gigpo/documents-trained", "documents have the advantage of the step that found them", reassigned(func(_ gigpo.Credit, trees []*rollout.Tree) {
			for _, tree := range trees {
				for s := range tree.Segments {
					if segment := &tree.Segments[s]; segment.Kind == rollout.Documents {
						segment.Advantages = make([]float64, len(segment.Tokens))
					}
				}
			}
		})},
	}
}

// suffix is MR-Search's sum over centred rewards.
func suffix(centred [][]float64, discount float64) [][]float64 {
	out := make([][]float64, len(centred))
	for i, row := range centred {
		out[i] = gigpo.Returns(row, discount)
	}
	return out
}

// columns applies f to the rewards of each number of attempt.
func columns(rewards [][]float64, f func(column []float64) []float64) [][]float64 {
	out := make([][]float64, len(rewards))
	for n := range rewards[0] {
		column := make([]float64, len(rewards))
		for i := range rewards {
			column[i] = rewards[i][n]
		}
		for i, x := range f(column) {
			out[i] = append(out[i], x)
		}
	}
	return out
}

func mrsearchFaults() []fault {
	real := Real()
	attempts := func(f func(rewards [][]float64, discount float64) [][]float64) func(*Rules) {
		return func(r *Rules) { r.Attempts = f }
	}
	placed := func(f func(tree *rollout.Tree, leaf int, advantages []float64)) func(*Rules) {
		return func(r *Rules) { r.SetAttempts = f }
	}
	once := func(rewards [][]float64) [][]float64 { return real.Attempts(rewards, 0) } // centred, not summed
	return []fault{
		{mrsearchAttempts, "mr-search/indices-mixed", "the baseline is the mean of all attempts of the others, whatever their number", attempts(func(rewards [][]float64, discount float64) [][]float64 {
			out := make([][]float64, len(rewards))
			for i, row := range rewards {
				sum, n := 0.0, 0.0
				for j, other := range rewards {
					for _, x := range other {
						if j != i {
							sum, n = sum+x, n+1
						}
					}
				}
				for _, x := range row {
					out[i] = append(out[i], x-sum/max(n, 1))
				}
			}
			return suffix(out, discount)
		})},
		{mrsearchAttempts, "mr-search/prefix-sums", "an attempt answers for those before it", attempts(func(rewards [][]float64, discount float64) [][]float64 {
			out := once(rewards)
			for i := range out {
				slices.Reverse(out[i])
				out[i] = gigpo.Returns(out[i], discount)
				slices.Reverse(out[i])
			}
			return out
		})},
		{mrsearchAttempts, "mr-search/no-sums", "an attempt answers for itself alone", attempts(func(rewards [][]float64, _ float64) [][]float64 { return once(rewards) })},
		{mrsearchAttempts, "mr-search/own-in-mean", "the mean includes the trajectory itself", attempts(func(rewards [][]float64, discount float64) [][]float64 {
			return suffix(columns(rewards, func(c []float64) []float64 { return grpo.GroupAdvantages(c, grpo.MeanOnly) }), discount)
		})},
		{mrsearchAttempts, "mr-search/standardised", "rewards are divided by their deviation", attempts(func(rewards [][]float64, discount float64) [][]float64 {
			return suffix(columns(rewards, func(c []float64) []float64 { return grpo.GroupAdvantages(c, grpo.Standardised) }), discount)
		})},
		{mrsearchAttempts, "mr-search/discount-from-start", "attempts are discounted from the first one", attempts(func(rewards [][]float64, discount float64) [][]float64 {
			out := real.Attempts(rewards, discount)
			for i := range out {
				for n := range out[i] {
					out[i][n] *= math.Pow(discount, float64(n))
				}
			}
			return out
		})},
		{mrsearchTrees, "mr-search/reflection-trained", "the reflection is trained", placed(func(tree *rollout.Tree, leaf int, advantages []float64) {
			real.SetAttempts(tree, leaf, advantages)
			for s := range tree.Segments {
				if segment := &tree.Segments[s]; segment.Kind == rollout.Reflection {
					segment.Advantages = make([]float64, len(segment.Tokens))
				}
			}
		})},
		{mrsearchTrees, "mr-search/attempt-late", "an attempt begins with its first answer, not with the reflection", placed(func(tree *rollout.Tree, leaf int, advantages []float64) {
			attempt := 0
			for _, s := range tree.Path(leaf) {
				segment := &tree.Segments[s]
				if segment.Sampled() {
					segment.Advantages = slices.Repeat([]float64{advantages[min(attempt, len(advantages)-1)]}, len(segment.Tokens))
				}
				if segment.Kind == rollout.Answer {
					attempt++
				}
			}
		})},
		{mrsearchTrees, "mr-search/last-for-all", "all attempts get the last one's advantage", placed(func(tree *rollout.Tree, leaf int, advantages []float64) {
			grpo.SetAdvantage(tree, leaf, advantages[len(advantages)-1])
		})},
	}
}

func igpoFaults() []fault {
	turns := func(f func(group []igpo.Episode, gamma float64, norm grpo.Normalisation) [][]float64) func(*Rules) {
		return func(r *Rules) { r.Turns = f }
	}
	gains := func(f func(p []float64) []float64) func(*Rules) { return func(r *Rules) { r.Gains = f } }
	// regrouped normalises rows as one group.
	regrouped := func(rows [][]float64, norm grpo.Normalisation) [][]float64 {
		flat := grpo.GroupAdvantages(slices.Concat(rows...), norm)
		out := make([][]float64, len(rows))
		for i, row := range rows {
			out[i], flat = slices.Clone(flat[:len(row)]), flat[len(row):]
		}
		return out
	}
	raw := func(group []igpo.Episode) [][]float64 {
		out := make([][]float64, len(group))
		for i, e := range group {
			out[i] = append(slices.Clone(e.Gains), e.Outcome)
		}
		return out
	}
	return []fault{
		{igpoTurns, "igpo/normalised-after", "rewards are discounted and summed before they are normalised", turns(func(group []igpo.Episode, gamma float64, norm grpo.Normalisation) [][]float64 {
			return regrouped(suffix(raw(group), gamma), norm)
		})},
		{igpoTurns, "igpo/kinds-mixed", "gains and outcomes are one group", turns(func(group []igpo.Episode, gamma float64, norm grpo.Normalisation) [][]float64 {
			return suffix(regrouped(raw(group), norm), gamma)
		})},
		{igpoTurns, "igpo/turns-apart", "gains are compared with those of the same turn", turns(func(group []igpo.Episode, gamma float64, norm grpo.Normalisation) [][]float64 {
			out := igpo.Advantages(group, 0, norm)
			for t := 0; ; t++ {
				var column []float64
				for _, e := range group {
					if t < len(e.Gains) {
						column = append(column, e.Gains[t])
					}
				}
				if column == nil {
					return suffix(out, gamma)
				}
				column = grpo.GroupAdvantages(column, norm)
				for i, e := range group {
					if t < len(e.Gains) {
						out[i][t], column = column[0], column[1:]
					}
				}
			}
		})},
		{igpoTurns, "igpo/outcome-everywhere", "the outcome reaches all turns without a discount", turns(func(group []igpo.Episode, gamma float64, norm grpo.Normalisation) [][]float64 {
			out := igpo.Advantages(group, 0, norm)
			for i, row := range out {
				n := len(row) - 1
				sums := gigpo.Returns(row[:n], gamma)
				for t := range sums {
					out[i][t] = sums[t] + row[n]
				}
			}
			return out
		})},
		{igpoTurns, "igpo/turn-off-by-one", "a turn does not get its own gain", turns(func(group []igpo.Episode, gamma float64, norm grpo.Normalisation) [][]float64 {
			out := igpo.Advantages(group, gamma, norm)
			for i := range out {
				for t := range len(out[i]) - 1 {
					out[i][t] = gamma * out[i][t+1]
				}
			}
			return out
		})},
		{igpoGains, "igpo/gain-since-start", "a turn is paid for all that is known, not for what it adds", gains(func(p []float64) []float64 {
			var out []float64
			for _, x := range p[1:] {
				out = append(out, x-p[0])
			}
			return out
		})},
		{igpoGains, "igpo/gain-backwards", "a gain has the wrong sign", gains(func(p []float64) []float64 {
			out := igpo.Gains(p)
			for t := range out {
				out[t] = -out[t]
			}
			return out
		})},
		{igpoGains, "igpo/gain-clipped", "a loss of probability is no gain and no loss", gains(func(p []float64) []float64 {
			out := igpo.Gains(p)
			for t := range out {
				out[t] = max(out[t], 0)
			}
			return out
		})},
	}
}
