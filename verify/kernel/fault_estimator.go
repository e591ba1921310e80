package kernel

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"

	"searchrl/baseline/searchr1"
	"searchrl/estimator"
	"searchrl/grpo"
	"searchrl/qa"
	"searchrl/rollout"
)

// regraded is Search-R1 with another reward or another group.
func regraded(edit func(trees []*rollout.Tree, norm grpo.Normalisation)) func(*Kernels) {
	return func(k *Kernels) {
		k.SearchR1 = func(m searchr1.Method, env *rollout.Env, questions []qa.Question, rng *rand.Rand) ([]*rollout.Tree, error) {
			trees, _, err := m.Collect(context.Background(), env, questions, rng)
			if err == nil {
				edit(trees, m.Normalisation)
			}
			return trees, err
		}
	}
}

// outcome is a wrong outcome reward.
func outcome(f func(tr rollout.Trajectory, gold []string) float64) func(*Kernels) {
	return func(k *Kernels) {
		k.Outcome = func(tree *rollout.Tree, i int) float64 { return f(tree.Trajectories[i], tree.Question.Answers) }
	}
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

func searchR1Faults() []planted {
	return []planted{
		{outcomeReward, []fault{
			{"outcome/unfinished-graded", "a trajectory without an answer is graded by what it said", outcome(func(tr rollout.Trajectory, gold []string) float64 { return qa.ExactMatch(tr.Answer, gold) })},
			{"outcome/first-alias-only", "only the first gold answer counts", outcome(func(tr rollout.Trajectory, gold []string) float64 {
				return one(tr.End == rollout.Answered && qa.ExactMatch(tr.Answer, gold[:1]) == 1)
			})},
			{"outcome/not-normalised", "case, articles and punctuation count", outcome(func(tr rollout.Trajectory, gold []string) float64 {
				for _, g := range gold {
					if tr.End == rollout.Answered && g == tr.Answer {
						return 1
					}
				}
				return 0
			})},
			{"outcome/substring", "an answer that holds a gold answer is right", outcome(func(tr rollout.Trajectory, gold []string) float64 {
				for _, g := range gold {
					if tr.End == rollout.Answered && strings.Contains(strings.ToLower(tr.Answer), strings.ToLower(g)) {
						return 1
					}
				}
				return 0
			})},
			{"outcome/partial-credit", "F1 for exact match", outcome(func(tr rollout.Trajectory, gold []string) float64 {
				if tr.End != rollout.Answered {
					return 0
				}
				return qa.F1(tr.Answer, gold)
			})},
			{"outcome/format-reward", "a tenth for any answer", outcome(func(tr rollout.Trajectory, gold []string) float64 {
				if tr.End != rollout.Answered {
					return 0
				}
				return math.Max(.1, qa.ExactMatch(tr.Answer, gold))
			})},
		}},
		{searchR1Groups, []fault{
			{"search-r1/questions-mixed", "one group of all questions' trajectories", regraded(func(trees []*rollout.Tree, norm grpo.Normalisation) {
				var all []float64
				for _, tree := range trees {
					for _, tr := range tree.Trajectories {
						all = append(all, tr.Reward)
					}
				}
				as := grpo.GroupAdvantages(all, norm)
				for _, tree := range trees {
					for _, tr := range tree.Trajectories {
						grpo.SetAdvantage(tree, tr.Leaf, as[0])
						as = as[1:]
					}
				}
			})},
			{"search-r1/raw-rewards", "the reward for the advantage", regraded(func(trees []*rollout.Tree, _ grpo.Normalisation) {
				for _, tree := range trees {
					for _, tr := range tree.Trajectories {
						grpo.SetAdvantage(tree, tr.Leaf, tr.Reward)
					}
				}
			})},
			{"search-r1/neighbours-advantage", "each trajectory has its neighbour's advantage", regraded(func(trees []*rollout.Tree, norm grpo.Normalisation) {
				for _, tree := range trees {
					var rewards []float64
					for _, tr := range tree.Trajectories {
						rewards = append(rewards, tr.Reward)
					}
					for i, a := range grpo.GroupAdvantages(rewards, norm) {
						grpo.SetAdvantage(tree, tree.Trajectories[(i+1)%len(rewards)].Leaf, a)
					}
				}
			})},
			{"search-r1/last-step-only", "only the answer is trained", regraded(func(trees []*rollout.Tree, _ grpo.Normalisation) {
				for _, tree := range trees {
					for s := range tree.Segments {
						if tree.Segments[s].Kind != rollout.Answer {
							tree.Segments[s].Advantages = nil
						}
					}
				}
			})},
			{"search-r1/documents-trained", "retrieved tokens are trained", regraded(func(trees []*rollout.Tree, _ grpo.Normalisation) {
				for _, tree := range trees {
					for i := range tree.Segments {
						if s := &tree.Segments[i]; s.Kind == rollout.Documents {
							s.LogProbs, s.Advantages = constant(-1, len(s.Tokens)), constant(1, len(s.Tokens))
						}
					}
				}
			})},
			{"search-r1/wrong-answers-punished", "a wrong answer has reward −1", regraded(func(trees []*rollout.Tree, _ grpo.Normalisation) {
				for _, tree := range trees {
					for i := range tree.Trajectories {
						if tree.Trajectories[i].Reward == 0 {
							tree.Trajectories[i].Reward = -1
						}
					}
				}
			})},
		}},
	}
}

// whole is a wrong advantage of whole trajectories: of what the steps' advantages are made.
func whole(of func(row []float64, t int) float64, norms ...grpo.Normalisation) func([][]float64, grpo.Normalisation) [][]float64 {
	return func(rewards [][]float64, norm grpo.Normalisation) [][]float64 {
		if len(norms) > 0 {
			norm = norms[0]
		}
		out, steps := make([][]float64, len(rewards)), 0
		for i := range rewards {
			out[i] = make([]float64, len(rewards[i]))
			steps = max(steps, len(rewards[i]))
		}
		for t := range steps {
			values := make([]float64, len(rewards))
			for i, row := range rewards {
				values[i] = of(row, t)
			}
			for i, a := range grpo.GroupAdvantages(values, norm) {
				if t < len(out[i]) {
					out[i][t] = a
				}
			}
		}
		return out
	}
}

// from is the sum of a row from step t to before step end.
func from(row []float64, t, end int) float64 {
	return sum(row[min(max(t, 0), len(row)):min(max(end, 0), len(row))])
}

func full(f func([][]float64, grpo.Normalisation) [][]float64) func(*Kernels) {
	return func(k *Kernels) { k.Full = f }
}

func togo(f func([][]float64, grpo.Normalisation) [][]float64) func(*Kernels) {
	return func(k *Kernels) { k.RewardToGo = f }
}

func truncated(g group) func(*Kernels) { return func(k *Kernels) { k.Truncated = g.advantages } }

// absolute divides by something else if standardised.
func absolute(by func(rewards []float64) float64) func(*Kernels) {
	zero := func([]float64, int) float64 { return 0 }
	return func(k *Kernels) { k.Absolute = group{baseline: zero, scale: by, dead: never}.advantages }
}

func squares(xs []float64) float64 {
	s := 0.0
	for _, x := range xs {
		s += x * x
	}
	return s
}

func selection(f func(as []float64, eta float64) ([]float64, error)) func(*Kernels) {
	return func(k *Kernels) { k.Selection = f }
}

const all = math.MaxInt

func estimatorFaults() []planted {
	return []planted{
		{fullReturn, []fault{
			{"full/step-rewards", "the step's reward for the return", full(whole(func(row []float64, t int) float64 { return from(row, t, t+1) }))},
			{"full/mean-over-steps", "the mean of the step rewards for their sum", full(whole(func(row []float64, _ int) float64 { return sum(row) / math.Max(1, float64(len(row))) }))},
			{"full/last-reward-only", "the last reward for the return", full(whole(func(row []float64, _ int) float64 { return from(row, len(row)-1, len(row)) }))},
			{"full/reward-to-go", "the past does not count", full(estimator.RewardToGo)},
			{"full/first-step-missing", "the first reward does not count", full(whole(func(row []float64, _ int) float64 { return from(row, 1, all) }))},
			{"full/never-standardised", "standardised is ignored", full(whole(func(row []float64, _ int) float64 { return sum(row) }, grpo.MeanOnly))},
			{"full/group-without-the-short", "a trajectory that has ended leaves the group", full(func(rewards [][]float64, norm grpo.Normalisation) [][]float64 {
				return alive(rewards, norm, func(row []float64, _ int) float64 { return sum(row) })
			})},
		}},
		{rewardToGo, []fault{
			{"to-go/includes-the-past", "the whole return", togo(estimator.Full)},
			{"to-go/past-for-future", "the rewards up to t for those from t", togo(whole(func(row []float64, t int) float64 { return from(row, 0, t+1) }))},
			{"to-go/off-by-one-late", "the rewards from t+1", togo(whole(func(row []float64, t int) float64 { return from(row, t+1, all) }))},
			{"to-go/off-by-one-early", "the rewards from t−1", togo(whole(func(row []float64, t int) float64 { return from(row, t-1, all) }))},
			{"to-go/immediate", "the reward at t alone", togo(whole(func(row []float64, t int) float64 { return from(row, t, t+1) }))},
			{"to-go/discounted", "later rewards are discounted by 0.99", togo(whole(func(row []float64, t int) float64 {
				g := 0.0
				for s := len(row) - 1; s >= t; s-- {
					g = row[s] + .99*g
				}
				return g
			}))},
			{"to-go/group-without-the-short", "a trajectory that has ended leaves the group", togo(func(rewards [][]float64, norm grpo.Normalisation) [][]float64 {
				return alive(rewards, norm, func(row []float64, t int) float64 { return from(row, t, all) })
			})},
			{"to-go/aligned-at-the-end", "steps are counted from the end", togo(whole(func(row []float64, t int) float64 { return from(row, len(row)-1-t, all) }))},
		}},
		{truncatedStep, []fault{
			{"truncated/std-with-n", "the standard deviation has n in the denominator", truncated(group{scale: func(r []float64) float64 { return deviation(r, 0) + grpo.StdEpsilon }})},
			{"truncated/leave-one-out", "the mean of the others as the baseline", truncated(group{baseline: leaveOneOut})},
			{"truncated/best-as-baseline", "the selected candidate's reward as the baseline", truncated(group{baseline: func(r []float64, _ int) float64 { return r[best(r)] }})},
			{"truncated/raw-reward", "no baseline", truncated(group{baseline: func([]float64, int) float64 { return 0 }})},
			{"truncated/always-standardised", "mean-only is ignored", func(k *Kernels) {
				k.Truncated = func(r []float64, _ grpo.Normalisation) []float64 { return estimator.Truncated(r, grpo.Standardised) }
			}},
			{"truncated/singleton-raw-reward", "a single candidate has its raw reward", func(k *Kernels) {
				k.Truncated = func(r []float64, norm grpo.Normalisation) []float64 {
					if len(r) == 1 {
						return []float64{r[0]}
					}
					return estimator.Truncated(r, norm)
				}
			}},
		}},
		{absoluteStep, []fault{
			{"absolute/centred", "the group's mean for the baseline 0", func(k *Kernels) { k.Absolute = estimator.Truncated }},
			{"absolute/k-1", "the mean square has k−1 in the denominator", absolute(func(r []float64) float64 {
				return math.Sqrt(squares(r)/math.Max(1, float64(len(r)-1))) + grpo.StdEpsilon
			})},
			{"absolute/sum-of-squares", "the square root of the squares' sum", absolute(func(r []float64) float64 { return math.Sqrt(squares(r)) + grpo.StdEpsilon })},
			{"absolute/about-the-mean", "the standard deviation for the root mean square", absolute(func(r []float64) float64 {
				return deviation(r, min(1, len(r)-1)) + grpo.StdEpsilon
			})},
			{"absolute/never-standardised", "standardised is ignored", absolute(func([]float64) float64 { return 1 })},
			{"absolute/always-standardised", "mean-only is ignored", func(k *Kernels) {
				k.Absolute = func(r []float64, _ grpo.Normalisation) []float64 { return estimator.Absolute(r, grpo.Standardised) }
			}},
		}},
		{selectionLaw, []fault{
			{"selection/sign", "the worst candidate is the likeliest", selection(func(as []float64, eta float64) ([]float64, error) { return estimator.Selection(negative(as), eta) })},
			{"selection/temperature-inverted", "softmax(A·η)", selection(func(as []float64, eta float64) ([]float64, error) {
				if eta > 0 && !math.IsInf(eta, 1) {
					eta = 1 / eta
				}
				return estimator.Selection(as, eta)
			})},
			{"selection/temperature-ignored", "η is 1", selection(func(as []float64, eta float64) ([]float64, error) {
				if eta > 0 && !math.IsInf(eta, 1) {
					eta = 1
				}
				return estimator.Selection(as, eta)
			})},
			{"selection/always-the-best", "argmax whatever η is", selection(func(as []float64, _ float64) ([]float64, error) { return estimator.Selection(as, 0) })},
			{"selection/uniform", "uniform whatever η is", selection(func(as []float64, _ float64) ([]float64, error) { return estimator.Selection(as, math.Inf(1)) })},
			{"selection/not-normalised", "the weights do not add up to 1", selection(func(as []float64, eta float64) ([]float64, error) {
				p, err := estimator.Selection(as, eta)
				for j := range p {
					p[j] *= 1.5
				}
				return p, err
			})},
			{"selection/last-of-equals", "of several best ones the last", selection(func(as []float64, eta float64) ([]float64, error) {
				p, err := estimator.Selection(as, eta)
				if eta <= 0 {
					top := best(as)
					for j := range as {
						p[j] = 0
						if as[j] == as[top] {
							top = j
						}
					}
					p[top] = 1
				}
				return p, err
			})},
		}},
		{selectionDraws, []fault{
			{"select/argmax", "the most likely candidate instead of a draw", func(k *Kernels) {
				k.Select = func(as []float64, _ float64, rng *rand.Rand) (int, error) {
					rng.Uint64()
					return best(as), nil
				}
			}},
			{"select/uniform", "every candidate alike", func(k *Kernels) {
				k.Select = func(as []float64, _ float64, rng *rand.Rand) (int, error) {
					return int(rng.Float64() * float64(len(as))), nil
				}
			}},
			{"select/sign", "the complement of the law", func(k *Kernels) {
				k.Select = func(as []float64, eta float64, rng *rand.Rand) (int, error) {
					return estimator.Select(negative(as), eta, rng)
				}
			}},
			{"select/off-by-one", "the candidate after the one drawn", func(k *Kernels) {
				k.Select = func(as []float64, eta float64, rng *rand.Rand) (int, error) {
					j, err := estimator.Select(as, eta, rng)
					return (j + 1) % len(as), err
				}
			}},
			{"select/two-numbers", "a draw takes two numbers, so that a run's stream depends on it", func(k *Kernels) {
				k.Select = func(as []float64, eta float64, rng *rand.Rand) (int, error) {
					rng.Uint64()
					return estimator.Select(as, eta, rng)
				}
			}},
		}},
	}
}

// alive groups at each step only the trajectories that have not ended before.
func alive(rewards [][]float64, norm grpo.Normalisation, of func(row []float64, t int) float64) [][]float64 {
	out := make([][]float64, len(rewards))
	for i := range rewards {
		out[i] = make([]float64, len(rewards[i]))
	}
	for t := range 6 {
		var values []float64
		var who []int
		for i, row := range rewards {
			if t < len(row) {
				values, who = append(values, of(row, t)), append(who, i)
			}
		}
		for n, a := range grpo.GroupAdvantages(values, norm) {
			out[who[n]][t] = a
		}
	}
	return out
}

func negative(xs []float64) []float64 {
	out := make([]float64, len(xs))
	for i, x := range xs {
		out[i] = -x
	}
	return out
}

// best is the index of the highest value, the first of several.
func best(values []float64) int {
	b := 0
	for j := range values {
		if values[j] > values[b] {
			b = j
		}
	}
	return b
}
