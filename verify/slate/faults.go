package slate

import (
	"context"
	"slices"

	"searchrl/grpo"
	"searchrl/judge"
	"searchrl/rollout"
	"searchrl/slate"
)

func faults() []fault {
	return slices.Concat(candidateFaults(), groupFaults(), rewardFaults(), costFaults())
}

// candidateFaults are about who is trained, on what.
func candidateFaults() []fault {
	return []fault{
		{"slate/selected-alone", "only the selected candidate is trained", candidates, grouped(func(_ slate.Method, g *group, _ []*float64) {
			for j := range g.of {
				for _, i := range g.of[j] {
					if !on(g.tree, i) {
						g.tree.Segments[i].Advantages = nil
					}
				}
			}
		})},
		{"slate/best-alone", "only the best candidate is trained", candidates, grouped(func(_ slate.Method, g *group, as []*float64) {
			top := best(as)
			for j, a := range as {
				if a != nil && j != top {
					g.set(j, 0)
				}
			}
		})},
		{"slate/selected-for-all", "all candidates have the selected one's advantage", candidates, grouped(func(_ slate.Method, g *group, as []*float64) {
			for selected := range g.of {
				if on(g.tree, g.of[selected][0]) && as[selected] != nil {
					a := *as[selected]
					for j := range as {
						if as[j] != nil {
							g.set(j, a)
						}
					}
					return
				}
			}
		})},
		{"slate/prompt-trained", "the prompt is trained", candidates, trained(rollout.Prompt)},
		{"slate/documents-trained", "the documents in the prefix are trained", candidates, trained(rollout.Documents)},
		{"slate/action-alone", "the thought is not trained", candidates, pick(func(k rollout.Kind) bool { return k != rollout.Think })},
		{"slate/thought-alone", "the action is not trained", candidates, pick(func(k rollout.Kind) bool { return k == rollout.Think })},
		{"slate/answers-alone", "searches are not trained", candidates, pick(func(k rollout.Kind) bool { return k != rollout.Query })},
		{"slate/last-token-alone", "the advantage is on a candidate's last token", candidates, grouped(func(_ slate.Method, g *group, _ []*float64) {
			for j := range g.of {
				for _, i := range g.of[j] {
					as := g.tree.Segments[i].Advantages
					for n := range as {
						if n+1 < len(as) || g.tree.Segments[i].Kind == rollout.Think {
							as[n] = 0
						}
					}
				}
			}
		})},
		{"slate/prefix-of-the-selected", "the selected step keeps the advantage of the decision point after it", candidates, edited(func(_ slate.Method, trees []*rollout.Tree) {
			for _, g := range all(trees) {
				a := held(&g)[0]
				for _, i := range g.tree.Path(g.base) {
					if s := &g.tree.Segments[i]; s.Advantages != nil && a != nil {
						for n := range s.Advantages {
							s.Advantages[n] = *a
						}
					}
				}
			}
		})},
		{"slate/left-out-trained", "a candidate of which nothing could be judged is trained", candidates, grouped(func(_ slate.Method, g *group, as []*float64) {
			for j, a := range as {
				if a == nil {
					g.set(j, 0)
				}
			}
		})},
	}
}

// groupFaults are about what an advantage is made of.
func groupFaults() []fault {
	return []fault{
		{"slate/neighbours-reward", "each candidate has its neighbour's advantage", candidates, grouped(func(_ slate.Method, g *group, as []*float64) {
			var values []float64
			for _, a := range as {
				if a != nil {
					values = append(values, *a)
				}
			}
			n := 0
			for j, a := range as {
				if a != nil {
					n++
					g.set(j, values[n%len(values)])
				}
			}
		})},
		{"slate/raw-rewards", "the reward for the advantage", candidates, mapped(func(_ slate.Method, g *group, j int, _ float64) float64 { return g.reward(j) })},
		{"slate/std-with-n", "n for n−1 in the standard deviation", candidates, grouped(func(m slate.Method, g *group, as []*float64) {
			if _, n := root(m, g, as); m.Normalisation == grpo.Standardised && n > 1 {
				for j, a := range as {
					if a != nil {
						g.set(j, *a*float64(n)/float64(n-1))
					}
				}
			}
		})},
		{"slate/not-standardised", "the standard deviation is left out", candidates, grouped(func(m slate.Method, g *group, as []*float64) {
			std, _ := root(m, g, as)
			for j, a := range as {
				if a != nil {
					g.set(j, *a*std)
				}
			}
		})},
		{"slate/sign", "the sign of the advantages", candidates, mapped(func(_ slate.Method, _ *group, _ int, a float64) float64 { return -a })},
		{"slate/positive-alone", "negative advantages are dropped", candidates, mapped(func(_ slate.Method, _ *group, _ int, a float64) float64 { return max(a, 0) })},
		{"slate/group-over-questions", "candidates of one turn are compared across questions", candidates, pooled(func(g *group, _ int) int { return g.turn })},
		{"slate/group-over-turns", "candidates of one question are compared across its turns", candidates, pooled(func(_ *group, tree int) int { return tree })},
		{"slate/outcome-added", "the trajectory's exact match is added to the advantages", candidates, mapped(func(_ slate.Method, g *group, _ int, a float64) float64 {
			return a + g.tree.Trajectories[0].Reward
		})},
		{"slate/baseline-ignored", "the group's mean where the baseline is 0", candidates, with(func(m *slate.Method) { m.Baseline = slate.GroupMean })},
		{"slate/no-baseline", "the baseline 0 where it is the group's mean", candidates, with(func(m *slate.Method) { m.Baseline = slate.Zero })},
		{"slate/one-candidate-less", "k − 1 candidates", candidates, with(func(m *slate.Method) { m.Candidates = max(m.Candidates-1, 1) })},
	}
}

// rewardFaults are about Eq. 3 and 4.
func rewardFaults() []fault {
	return []fault{
		{"slate/turn-from-0", "t is counted from 0", stepRewards, answers(func(m slate.Method, _, b float64) float64 { return m.Early / b })},
		{"slate/bonus-for-late-answers", "t in place of B − t", stepRewards, answers(func(m slate.Method, t, b float64) float64 { return m.Early * (2*t - b) / b })},
		{"slate/bonus-not-divided", "λ(B − t), not over B", stepRewards, answers(func(m slate.Method, t, b float64) float64 { return m.Early * (b - t) * (1 - 1/b) })},
		{"slate/bonus-for-searches", "a search has the bonus, too", stepRewards, rewarded(func(m slate.Method, g *group, j, turns int) float64 {
			if g.action(j).Kind == rollout.Answer {
				return 0
			}
			return m.Early * float64(turns-g.turn) / float64(turns)
		})},
		{"slate/no-bonus", "answering early has no bonus", stepRewards, with(func(m *slate.Method) { m.Early = 0 })},
		{"slate/failed-scored-0", "a score that could not be given counts as 0", stepRewards, failed(0)},
		{"slate/failed-scored-worst", "a score that could not be given counts as −1", stepRewards, failed(-1)},
		{"slate/thought-for-action", "the thought's score for the action's", stepRewards, judged(func(v *judge.Verdict) { v.Action = v.Thought })},
		{"slate/thoughts-not-rewarded", "thoughts have no reward", stepRewards, judged(func(v *judge.Verdict) { v.Thought = judge.Score{Known: true} })},
		{"slate/scores-shifted", "scores in [0, 1]", stepRewards, with(func(m *slate.Method) { m.Shifted = true })},
	}
}

// costFaults are about what a decision point costs, and where the path goes on.
func costFaults() []fault {
	split := func(ctx context.Context, p rollout.Policy, reqs []rollout.GenerateRequest) ([][]rollout.Completion, error) {
		out := make([][]rollout.Completion, len(reqs))
		for i, req := range reqs {
			n := req.N
			for req.N = 1; len(out[i]) < n; req.Seed++ {
				one, err := p.Generate(ctx, []rollout.GenerateRequest{req})
				if err != nil {
					return nil, err
				}
				out[i] = append(out[i], one[0]...)
			}
		}
		return out, nil
	}
	twice := func(ctx context.Context, p rollout.Policy, reqs []rollout.GenerateRequest) ([][]rollout.Completion, error) {
		if _, err := p.Generate(ctx, reqs); err != nil {
			return nil, err
		}
		return p.Generate(ctx, reqs)
	}
	return []fault{
		{"slate/all-searched", "every candidate's search is executed", retrievals, searching(func(g *group, j int) bool { return !on(g.tree, g.of[j][0]) })},
		{"slate/searched-twice", "the selected search is executed when it is judged and when it is selected", retrievals, searching(func(g *group, j int) bool { return on(g.tree, g.of[j][0]) })},
		{"slate/one-request-each", "each candidate is a request of its own, so that the prefix is computed k times", requests, asking(split)},
		{"slate/sampled-twice", "candidates are sampled twice", requests, asking(twice)},
		{"slate/always-the-first", "the first candidate where the best is asked for", nextPrefix, with(func(m *slate.Method) { m.Next = slate.First })},
		{"slate/uniform-for-best", "any candidate where one is named", nextPrefix, with(func(m *slate.Method) { m.Next = slate.Uniform })},
	}
}
