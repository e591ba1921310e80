package gain

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"searchrl/baseline/searchr1"
	"searchrl/grpo"
	"searchrl/igsearch"
	"searchrl/likelihood"
	"searchrl/rollout"
	"searchrl/verify"
)

// pathCheck follows the method through the real agent loop in a world where everything is known.
var pathCheck = check{
	id: "gain/real-path",
	text: "Through the agent loop: each executed search that found something is compared with as many different blocks of documents as asked for " +
		"and there are, of other questions' searches with as many documents, the nearest in length, never of its own question, also where the batch holds it " +
		"twice; refine blocks go with their documents; its query's tokens get the modulated advantage, every other sampled token that of " +
		"its trajectory, and no other token any.",
	source: "IG-Search, README and ig_reward.py; " + ours, layer: verify.Kernel, cases: 150,
	test: func(k Kernels, rng *rand.Rand) (string, error) {
		w, err := newWorld(rng.Uint64(), rng.IntN(2) == 0, false)
		if err != nil {
			return "", err
		}
		m := igsearch.Paper()
		m.Outcome = searchr1.Method{Group: 1 + rng.IntN(3), Sampling: rollout.Sampling{Temperature: 1}, Normalisation: oneOf(rng, grpo.Standardised, grpo.MeanOnly)}
		m.Counterfactuals = 1 + rng.IntN(4)
		m.Normalisation = igsearch.Normalisation{Centre: oneOf(rng, igsearch.Group, igsearch.Turn, igsearch.Batch, igsearch.None), Scale: oneOf(rng, igsearch.Group, igsearch.Turn, igsearch.Batch)}
		m.Modulation.Form = oneOf(rng, igsearch.Additive, igsearch.Additive, igsearch.Multiplicative, igsearch.Gated)
		trees, err := k.Collect(m, w.env, drawQuestions(rng), rng)
		if err != nil {
			return "", err
		}
		return w.examine(trees, m)
	},
}

// found is an executed search as the oracle reads it off the trees.
type found struct {
	tree, trajectory, turn int
	query                  int
	lead, pair             []int
	hits                   int
	refined                bool
	about                  string
}

// read lists the executed searches with documents.
func (w *world) read(trees []*rollout.Tree) []found {
	var out []found
	for i, tree := range trees {
		for j, trajectory := range tree.Trajectories {
			path := tree.Path(trajectory.Leaf)
			turn := 0
			for n, s := range path {
				if tree.Segments[s].Kind != rollout.Documents {
					continue
				}
				turn++
				f := found{tree: i, trajectory: j, turn: turn, query: path[n-1], lead: tree.PathTokens(path[n-1]), pair: tree.Segments[s].Tokens,
					hits: len(tree.Segments[s].Hits), about: subject(tree.Question.Text)}
				if n+1 < len(path) && tree.Segments[path[n+1]].Kind == rollout.Refine {
					f.pair, f.refined = slices.Concat(f.pair, tree.Segments[path[n+1]].Tokens), true
				}
				if f.hits > 0 {
					out = append(out, f)
				}
			}
		}
	}
	return out
}

// wasAsked reports whether the answers were scored after these documents in the place of f's.
func (w *world) wasAsked(f found, pair []int) bool { return w.asked[key(w.context(f, pair))] }

func (w *world) context(f found, pair []int) []int {
	return slices.Concat(f.lead, pair, w.env.Tokenizer.EncodeTrusted("<answer>"))
}

// logLik is ℓ of each answer by the oracle, with the paper's three head tokens of weight 3.
func (w *world) logLik(f found, pair []int, answers []string) []float64 {
	var out []float64
	for _, answer := range answers {
		out = append(out, oracleMean(w.logProbs(w.context(f, pair), w.env.Tokenizer.Encode(" "+answer)), 3, 3))
	}
	return out
}

// others returns the counterfactuals that f was compared with, and what is wrong with the choice.
func (w *world) others(f found, all []found, n int) (taken [][]int, wrong string) {
	var left [][]int
	for _, o := range all {
		seen := func(p []int) bool { return slices.Equal(p, o.pair) }
		asked := w.wasAsked(f, o.pair)
		if o.about == f.about {
			if asked && !slices.Equal(o.pair, f.pair) {
				return nil, fmt.Sprintf("a search about %s is compared with documents of its own question", f.about)
			}
			continue
		}
		if o.hits != f.hits || o.refined != f.refined {
			if asked {
				return nil, fmt.Sprintf("a search with %d documents is compared with one with %d", f.hits, o.hits)
			}
			continue
		}
		if asked && !slices.ContainsFunc(taken, seen) {
			taken = append(taken, o.pair)
		}
		if !asked && !slices.ContainsFunc(left, seen) {
			left = append(left, o.pair)
		}
	}
	if len(taken) != n && len(left) > 0 || len(taken) > n {
		return nil, fmt.Sprintf("%d counterfactuals, expected %d; %d were left", len(taken), n, len(left))
	}
	off := func(p []int) int { return max(len(p)-len(f.pair), len(f.pair)-len(p)) }
	for _, t := range taken {
		for _, l := range left {
			if off(t) > off(l) {
				return nil, fmt.Sprintf("documents of %d tokens stand for %d, though some of %d are there", len(t), len(f.pair), len(l))
			}
		}
	}
	return taken, ""
}

// examine returns what is wrong with the trees.
func (w *world) examine(trees []*rollout.Tree, m igsearch.Method) (string, error) {
	all := w.read(trees)
	var steps []igsearch.Step
	var gained []found
	for _, f := range all {
		taken, wrong := w.others(f, all, m.Counterfactuals)
		if wrong != "" || len(taken) == 0 {
			if wrong != "" {
				return wrong, nil
			}
			continue
		}
		if !w.wasAsked(f, f.pair) {
			return "a search was not scored with its own documents", nil
		}
		answers := trees[f.tree].Question.Answers
		var others [][]float64
		for _, pair := range taken {
			others = append(others, w.logLik(f, pair, answers))
		}
		gained = append(gained, f)
		steps = append(steps, igsearch.Step{Group: f.tree, Turn: f.turn, Gain: oracleGain(w.logLik(f, f.pair, answers), others)})
	}
	want := map[[2]int]expected{} // of queries
	base := make([][]float64, len(trees))
	for i, tree := range trees {
		rewards := make([]float64, len(tree.Trajectories))
		for j, trajectory := range tree.Trajectories {
			if trajectory.End == rollout.Answered && trajectory.Answer == tree.Question.Answers[0] {
				rewards[j] = 1
			}
		}
		base[i] = grpo.GroupAdvantages(rewards, m.Outcome.Normalisation)
	}
	for i, f := range gained {
		z, scaledBy := oracleZ(steps, i, m.Normalisation)
		want[[2]int{f.tree, f.query}] = expected{
			oracleModulate(m.Modulation, base[f.tree][f.trajectory], trees[f.tree].Trajectories[f.trajectory].Reward, z),
			max(tolerance, roundedBy/scaledBy), // where gains nearly tie, so little is certain
		}
	}
	for i, tree := range trees {
		for j, trajectory := range tree.Trajectories {
			for _, s := range tree.Path(trajectory.Leaf) {
				if wrong := examineSegment(&tree.Segments[s], base[i][j], want, [2]int{i, s}); wrong != "" {
					return wrong, nil
				}
			}
		}
	}
	return "", nil
}

// expected is the advantage of a query's tokens, and how far rounding may take it from that.
type expected struct{ advantage, tolerance float64 }

// roundedBy bounds what the gains are off by: sums of a few numbers up to 5.
const roundedBy = 1e-14

func examineSegment(s *rollout.Segment, base float64, queries map[[2]int]expected, at [2]int) string {
	switch s.Kind {
	case rollout.Prompt, rollout.Documents:
		if s.Advantages != nil || s.LogProbs != nil {
			return fmt.Sprintf("a %s segment is trained", s.Kind)
		}
		return ""
	}
	want := expected{base, tolerance}
	if query, ok := queries[at]; ok {
		want = query
	}
	if len(s.Advantages) != len(s.Tokens) {
		return fmt.Sprintf("a %s segment of %d tokens has %d advantages", s.Kind, len(s.Tokens), len(s.Advantages))
	}
	for _, a := range s.Advantages {
		if d := beyond(want.tolerance, "an advantage of a "+string(s.Kind), a, want.advantage); d != "" {
			return d
		}
	}
	return ""
}

// Alpha is the probability with which gain/sampled-draws may alarm for no reason.
const Alpha = 1e-9

// draws is how often gain/sampled-draws collects, and how many of how many counterfactuals are drawn there.
const draws, drawn, pool = 1000, 2, 5

var drawCheck = check{
	id: "gain/sampled-draws",
	text: "Through the agent loop, over many collections: each of M = 5 counterfactuals that fit equally well is drawn equally often, N = 2 " +
		"at a time, and the mean gain is the exact one.",
	source: "definition", layer: verify.Sampled, cases: 1, falseAlarm: Alpha,
	power: "a share that is off by 0.22, or a mean gain off by 0.22 of its range, with a probability over 1 − 1e-9",
	test: func(k Kernels, rng *rand.Rand) (string, error) {
		w, err := newWorld(rng.Uint64(), false, true)
		if err != nil {
			return "", err
		}
		m := igsearch.Paper()
		m.Outcome.Group, m.Counterfactuals = 1, drawn
		m.Likelihood = likelihood.Paper()
		questions := drawPool()
		trajectories := rng.Uint64()
		counts, sum := map[string]float64{}, 0.0
		var exact, width float64
		for n := range draws {
			clear(w.asked)
			trees, err := k.Collect(m, w.env, questions, rand.New(&split{a: rand.NewPCG(trajectories, 0), b: rand.NewPCG(rng.Uint64(), 0), left: len(questions)}))
			if err != nil {
				return "", err
			}
			all := w.read(trees)
			f := all[slices.IndexFunc(all, func(f found) bool { return f.tree == 0 })]
			taken, wrong := w.others(f, all, drawn)
			if wrong != "" {
				return wrong, nil
			}
			for _, pair := range taken {
				counts[w.env.Tokenizer.Decode(pair)]++
			}
			sum += trees[0].Segments[f.query].Rewards[0].Value
			if n == 0 {
				exact, width = w.exactGain(f, all, questions[0].Answers)
			}
		}
		// Hoeffding's inequality for pool + 1 means of independent numbers, each in an interval of width 1 (a share) or width.
		far := math.Sqrt(math.Log(2*(pool+1)/Alpha) / (2 * draws))
		if len(counts) != pool {
			return fmt.Sprintf("%d of %d counterfactuals were ever drawn", len(counts), pool), nil
		}
		for name, count := range counts {
			if math.Abs(count/draws-float64(drawn)/pool) > far {
				return fmt.Sprintf("%q was drawn in a share of %.3f, expected %.3f ± %.3f", name, count/draws, float64(drawn)/pool, far), nil
			}
		}
		if math.Abs(sum/draws-exact) > far*width {
			return fmt.Sprintf("the mean gain is %.3f, expected %.3f ± %.3f", sum/draws, exact, far*width), nil
		}
		return "", nil
	},
}
