package stepsearch_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/baseline/ppo"
	"searchrl/baseline/stepsearch"
	"searchrl/gae"
	"searchrl/grpo"
	"searchrl/qa"
	"searchrl/retrieval"
	"searchrl/rollout"
	"searchrl/tinyworld"
)

// TestGolden reads as a worked example: two searches that each find one of the two gold passages (so c = 1 for one of them), one
// that finds the first again (no gain, redundant), and the right answer with both keys matched.
func TestGolden(t *testing.T) {
	trees, metrics := collect(t, raw(), environment(t, capital, again, mayor, right))
	// The two gold passages share the word Marrow alone. With n = 2 its idf is ln(3/3)+1 = 1 and that of a word of one
	// passage i = ln(3/2)+1 = 1.405. Lunia stands twice in the first and Marrow once; in the second Marrow stands twice. So
	// their cosine is 2/(√(1 + i²(2²+1))·√(2² + 3i²)) = 0.193, and IG is (1 + 0.193)/2, 0 and (1 − 0.193)/2.
	require.Equal(t, `query  "capital of Lunia", gain +0.358, redundancy +0.000: A = +1.618
       finds "capital"
query  "Lunia capital", gain +0.000, redundancy -0.600: A = +1.260
       finds "capital"
query  "mayor of Marrow", gain +0.242, redundancy +0.000: A = +1.860
       finds "mayor"
answer "Ada Dole": A = +1.618
answered, R = +1.618
`, transcript(trees[0]))
	i := math.Log(1.5) + 1
	cosine := 2 / (math.Sqrt(1+i*i*5) * math.Sqrt(4+3*i*i))
	require.InDelta(t, .6*(1+cosine)/2, trees[0].Segments[2].Rewards[0].Value, 1e-12)
	require.InDelta(t, 1./3, metrics[stepsearch.MetricGain], 1e-12, "the gains add up to 1: both passages were found")
	require.InDelta(t, 1./3, metrics[stepsearch.MetricRedundancy], 1e-12)
	require.InDelta(t, 1, metrics[stepsearch.MetricKeys], 1e-12)
	require.InDelta(t, 1, metrics[stepsearch.MetricF1], 1e-12)
}

// TestPaper checks each reward by itself.
func TestPaper(t *testing.T) {
	t.Run("the step reward stands at the last token of </search>", func(t *testing.T) {
		m := raw()
		m.Keys, m.Estimator.Lambda = 0, 0 // TD errors of a critic of zeros: the rewards themselves
		trees, _ := collect(t, m, environment(t, capital, mayor, half))
		for _, s := range trees[0].Segments {
			if !s.Sampled() {
				continue
			}
			last := len(s.Advantages) - 1
			require.Equal(t, make([]float64, last), s.Advantages[:last])
			switch s.Kind {
			case rollout.Query:
				require.Equal(t, s.Rewards[0].Value+s.Rewards[1].Value, s.Advantages[last])
				require.Positive(t, s.Advantages[last])
			case rollout.Answer:
				require.InDelta(t, 2./3, s.Advantages[last], 1e-12, "F1 of one word of two")
			default:
				require.Zero(t, s.Advantages[last])
			}
		}
	})
	t.Run("the outcome is F1 plus 0.618 times the key score", func(t *testing.T) {
		trees, _ := collect(t, raw(), environment(t, river, half))
		// The first key's best wording shares "of Lunia" with "river of Lunia": F1 2/3 (articles do not count, "of" does); the
		// second shares "of": 1/3.
		require.InDelta(t, 2./3+.618*(2./3+1./3)/2, trees[0].Trajectories[0].Reward, 1e-12)
	})
	t.Run("without an answer the outcome is −1, whatever the queries", func(t *testing.T) {
		trees, _ := collect(t, raw(), environment(t, capital, mayor, capital, mayor))
		require.Equal(t, rollout.OutOfTurns, trees[0].Trajectories[0].End)
		require.Equal(t, -1., trees[0].Trajectories[0].Reward)
		m := raw()
		m.Unanswered = .25
		trees, _ = collect(t, m, environment(t, capital, mayor, capital, mayor))
		require.Equal(t, .25, trees[0].Trajectories[0].Reward)
	})
	t.Run("a search that was not executed has no reward", func(t *testing.T) {
		trees, metrics := collect(t, raw(), environment(t, capital, mayor, river, again))
		leaf := trees[0].Segments[trees[0].Trajectories[0].Leaf]
		require.Equal(t, rollout.Query, leaf.Kind)
		require.Nil(t, leaf.Rewards)
		require.InDelta(t, 1./3, metrics[stepsearch.MetricGain], 1e-12, "three searches")
	})
}

// TestIsPPOWithoutStepRewards: with all weights 0 it is PPO on F1, bit for bit.
func TestIsPPOWithoutStepRewards(t *testing.T) {
	m := stepsearch.Paper()
	m.Gain, m.Penalty, m.Keys, m.Unanswered, m.Group = 0, 0, 0, 0, 2
	plain := ppo.Method{Group: 2, Sampling: m.Sampling, Outcome: ppo.F1, Estimator: m.Estimator}
	bare := lunia
	bare.Supporting, bare.Keys = nil, nil // not needed
	for _, steps := range [][]string{{capital, again, half}, {right}, {capital, mayor, river, again}} {
		got, _ := collect(t, m, environment(t, steps...), bare, lunia)
		want, _ := collect(t, plain, environment(t, steps...), bare, lunia)
		require.Equal(t, want, got)
	}
}

// TestDefects: what the released code gets wrong.
func TestDefects(t *testing.T) {
	t.Run("the best query for a key counts, not the last", func(t *testing.T) {
		keys := [][]string{{"capital of Lunia"}}
		require.Equal(t, 1., stepsearch.KeyScore([]string{"capital of Lunia", "weather in Lunia"}, keys))
		require.Equal(t, 1., stepsearch.KeyScore([]string{"weather in Lunia", "capital of Lunia"}, keys))
		require.Equal(t, 1., stepsearch.KeyScore([]string{"main city of Lunia"}, lunia.Keys[:1]), "any wording will do")
		require.Zero(t, stepsearch.KeyScore(nil, keys))
		require.Zero(t, stepsearch.KeyScore([]string{"x"}, nil))
	})
	t.Run("step rewards are scaled once", func(t *testing.T) {
		trees, _ := collect(t, raw(), environment(t, capital, right))
		for _, s := range trees[0].Segments {
			if s.Kind == rollout.Query {
				i := math.Log(1.5) + 1
				cosine := 2 / (math.Sqrt(1+i*i*5) * math.Sqrt(4+3*i*i))
				require.InDelta(t, .6*(1+cosine)/2, s.Rewards[0].Value, 1e-12, "not 1.6 times")
			}
		}
	})
	t.Run("the outcome does not overwrite a step reward", func(t *testing.T) {
		// The trajectory ends with the documents of its search, for the forced answer has no room: both rewards are at </search>.
		env := environment(t, capital)
		env.Protocol.MaxTurns, env.Protocol.AfterLastTurn = 1, rollout.ForceAnswer
		trees, _ := collect(t, raw(), env)
		for i, s := range trees[0].Segments {
			if s.Kind == rollout.Documents {
				env.Protocol.MaxTokens = len(trees[0].PathTokens(i)) + 1
			}
		}
		trees, _ = collect(t, raw(), env)
		tree, trajectory := trees[0], trees[0].Trajectories[0]
		require.Equal(t, rollout.OutOfTokens, trajectory.End)
		require.Equal(t, rollout.Documents, tree.Segments[trajectory.Leaf].Kind)
		query := tree.Segments[tree.Segments[trajectory.Leaf].Parent]
		require.Positive(t, query.Rewards[0].Value)
		require.InDelta(t, query.Rewards[0].Value-1, query.Returns[len(query.Returns)-1], 1e-12)
	})
	t.Run("a line break after the answer costs nothing", func(t *testing.T) {
		trees, _ := collect(t, raw(), environment(t, capital, mayor, right+"\n"))
		require.InDelta(t, 1.618, trees[0].Trajectories[0].Reward, 1e-12)
	})
	t.Run("similarities are on one scale: finding the same again never gains", func(t *testing.T) {
		p := stepsearch.NewProgress(lunia.Supporting)
		for n := range 4 {
			gain, redundancy := p.Search([]retrieval.Hit{{Document: passages[2]}, {Document: passages[0]}})
			require.Equal(t, n == 0, gain > 0)
			require.Equal(t, n > 0, redundancy == 1)
		}
	})
}

// TestProgress: the best similarity is kept, a worse one later costs nothing, a document does not repeat itself, and the order
// of a search's documents does not matter.
func TestProgress(t *testing.T) {
	hits := func(which ...int) []retrieval.Hit {
		var out []retrieval.Hit
		for _, i := range which {
			out = append(out, retrieval.Hit{Document: passages[i]})
		}
		return out
	}
	p := stepsearch.NewProgress(lunia.Supporting)
	first, redundancy := p.Search(hits(0))
	require.Zero(t, redundancy)
	gain, redundancy := p.Search(hits(2, 0))
	require.Zero(t, gain)
	require.Equal(t, .5, redundancy)
	second, redundancy := p.Search(hits(1))
	require.Zero(t, redundancy)
	require.InDelta(t, 1, first+second, 1e-12)
	_, redundancy = stepsearch.NewProgress(lunia.Supporting).Search(hits(0, 0))
	require.Zero(t, redundancy, "twice in one search is not seen before")
	gain, redundancy = p.Search(nil)
	require.Zero(t, gain+redundancy)

	a, _ := stepsearch.NewProgress(lunia.Supporting).Search(hits(0, 2, 1))
	b, _ := stepsearch.NewProgress(lunia.Supporting).Search(hits(1, 0, 2))
	require.Equal(t, a, b)
	require.Equal(t, 1., a)
	gain, _ = stepsearch.NewProgress([]qa.Support{{Text: "of the"}}).Search([]retrieval.Hit{{Document: retrieval.Document{ID: "x", Text: "the of"}}})
	require.Zero(t, gain, "stop words alone are no text")
}

// TestTinyworld: the embedded world has all that is asked for. Its oracle finds every gold passage with the precise queries.
func TestTinyworld(t *testing.T) {
	tok, err := tinyworld.Tokenizer(tinyworld.Standard)
	require.NoError(t, err)
	w, err := tinyworld.New(tinyworld.Standard, 1)
	require.NoError(t, err)
	index, err := retrieval.NewBM25(w.Documents())
	require.NoError(t, err)
	env := &rollout.Env{Policy: tinyworld.NewAgent(tok, w.Oracle()), Searcher: index, Tokenizer: tok, Protocol: tinyworld.Protocol(tinyworld.Standard)}
	questions := w.Questions(rand.New(rand.NewPCG(1, 1)), 20)
	trees, metrics := collect(t, raw(), env, questions...)
	require.Equal(t, 1., metrics[stepsearch.MetricF1])
	require.Equal(t, 1., metrics[stepsearch.MetricKeys])
	for _, tree := range trees {
		total := 0.
		for _, s := range tree.Segments {
			for _, r := range s.Rewards {
				if r.Name == stepsearch.Gain {
					total += r.Value / .6
				}
			}
		}
		require.InDelta(t, 1, total, 1e-9, "all gold passages were found")
	}
}

func TestRefusals(t *testing.T) {
	try := func(m grpo.Method, q qa.Question) error {
		_, _, err := m.Collect(t.Context(), environment(t, right), []qa.Question{q}, rand.New(rand.NewPCG(1, 1)))
		return err
	}
	without := lunia
	without.Supporting = nil
	require.ErrorContains(t, try(raw().WithCritic(constant(0)), without), `question "q" names no supporting passages`)
	without = lunia
	without.Keys = nil
	require.ErrorContains(t, try(raw().WithCritic(constant(0)), without), `question "q" names no keys`)
	require.ErrorContains(t, try(raw(), lunia), "stepsearch: there is no critic")
	for want, spoil := range map[string]func(m *stepsearch.Method){
		"group is 0":       func(m *stepsearch.Method) { m.Group = 0 },
		"top-k 3":          func(m *stepsearch.Method) { m.Sampling.TopK = 3 },
		"gain is -1":       func(m *stepsearch.Method) { m.Gain = -1 },
		"penalty is NaN":   func(m *stepsearch.Method) { m.Penalty = math.NaN() },
		"keys is +Inf":     func(m *stepsearch.Method) { m.Keys = math.Inf(1) },
		"unanswered is -I": func(m *stepsearch.Method) { m.Unanswered = math.Inf(-1) },
		"λ is -1":          func(m *stepsearch.Method) { m.Estimator = gae.Estimator{Lambda: -1} },
	} {
		m := raw()
		spoil(&m)
		require.ErrorContains(t, try(m.WithCritic(constant(0)), lunia), want)
	}
}
