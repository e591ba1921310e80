package refiner_test

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/baseline/searchr1"
	"searchrl/grpo"
	"searchrl/judge/tinyjudge"
	"searchrl/qa"
	"searchrl/refiner"
	"searchrl/rollout"
)

// actor returns the segments that are no reviews or decisions, with parents by what they say.
func actor(tree *rollout.Tree) []rollout.Segment {
	var out []rollout.Segment
	for _, s := range tree.Segments {
		if s.Kind != rollout.ReviewPrompt && s.Kind != rollout.Decision {
			out = append(out, s)
		}
	}
	return out
}

// TestAlwaysAcceptIsSearchR1: item 5, to the bit: tokens, log-probabilities, rewards, advantages, metrics.
func TestAlwaysAcceptIsSearchR1(t *testing.T) {
	env, _, world := embedded(t)
	questions := world.Questions(rand.New(rand.NewPCG(1, 1)), 6)
	r1 := searchr1.Method{Group: 4, Sampling: rollout.Sampling{Temperature: 1}, Normalisation: grpo.Standardised}
	want, _, err := r1.Collect(context.Background(), env, questions, seeded())
	require.NoError(t, err)

	m := method(nil)
	m.Group, m.Rounds = 4, math.MaxInt // it ends when all are accepted
	env.Policy = &decider{Policy: env.Policy, tok: env.Tokenizer, say: func(string) string { return " accept</decision>" }}
	got, metrics := collect(t, m, env, questions...)
	for i := range want {
		require.Equal(t, want[i].Segments, actor(got[i]))
		require.Equal(t, want[i].Trajectories, got[i].Trajectories)
		require.Len(t, got[i].Segments, len(want[i].Segments)+2*len(want[i].Trajectories), "what was accepted is not reviewed again")
	}
	require.Equal(t, 1.0, metrics[refiner.MetricAccepted])
	require.Zero(t, metrics[refiner.MetricDiscarded])

	m.Rounds = 0
	none, _ := collect(t, m, env, questions...)
	for i := range want {
		require.Equal(t, want[i], none[i], "no rounds")
	}
	acted, err := m.Act(context.Background(), env, questions, rollout.Sampling{}, seeded())
	require.NoError(t, err)
	plain, err := env.Rollout(context.Background(), questions, 1, rollout.Sampling{}, seeded())
	require.NoError(t, err)
	require.Equal(t, plain, acted)
}

// TestCutAndRegenerate is the property of item 5 on the real path: the embedded policy drafts, decides and continues.
func TestCutAndRegenerate(t *testing.T) {
	env, searcher, world := embedded(t)
	questions := world.Questions(rand.New(rand.NewPCG(1, 1)), 8)
	plain, err := env.Rollout(context.Background(), questions, 5, rollout.Sampling{Temperature: 1}, seeded())
	require.NoError(t, err)
	searcher.Queries = nil
	watch := &watcher{Policy: env.Policy}
	env.Policy = watch
	for _, rounds := range []int{1, 3} {
		m := method(world)
		m.Rounds, searcher.Queries, watch.prefixes = rounds, nil, nil
		trees, metrics := collect(t, m, env, questions...)
		executed, cuts := 0, 0
		for i, tree := range trees {
			require.NoError(t, tree.Validate())
			require.Len(t, tree.Trajectories, 5)
			// Nothing of the drafts changes, to the bit, but for advantages and scores.
			n := len(plain[i].Segments)
			for s := range n {
				had, now := plain[i].Segments[s], tree.Segments[s]
				now.Advantages, now.Rewards = nil, nil
				require.Equal(t, had, now)
			}
			for k, trajectory := range tree.Trajectories {
				requireSound(t, env, tree, trajectory)
				if trajectory.Leaf != plain[i].Trajectories[k].Leaf {
					cuts++
				}
			}
			executed += tree.Total().Searches
		}
		require.LessOrEqual(t, len(searcher.Queries), executed, "documents are found once for each segment that shows them")
		require.Greater(t, cuts, 5)
		require.Positive(t, metrics[refiner.MetricDiscarded])
		requireSuffixesSeeTheirPrefix(t, trees, watch.prefixes)
	}
}

// watcher remembers the prefixes of all requests.
type watcher struct {
	rollout.Policy
	prefixes []string
}

func (w *watcher) Generate(ctx context.Context, reqs []rollout.GenerateRequest) ([][]rollout.Completion, error) {
	for _, req := range reqs {
		w.prefixes = append(w.prefixes, string(runes(req.Prefix)))
	}
	return w.Policy.Generate(ctx, reqs)
}

func runes(tokens []int) []rune {
	out := make([]rune, len(tokens))
	for i, id := range tokens {
		out[i] = rune(id)
	}
	return out
}

// requireSuffixesSeeTheirPrefix: each sampled run of segments was asked for after exactly the tokens of its path: the question
// and the kept steps, without a review, a decision or what was cut off.
func requireSuffixesSeeTheirPrefix(t *testing.T, trees []*rollout.Tree, prefixes []string) {
	t.Helper()
	asked := map[string]bool{}
	for _, p := range prefixes {
		asked[p] = true
	}
	for _, tree := range trees {
		for s := range tree.Segments {
			segment := &tree.Segments[s]
			if segment.Sampled() && !tree.Segments[segment.Parent].Sampled() {
				require.True(t, asked[string(runes(tree.PathTokens(segment.Parent)))], "segment %d", s)
			}
		}
		for _, trajectory := range tree.Trajectories {
			for _, s := range tree.Path(trajectory.Leaf) {
				require.NotContains(t, []rollout.Kind{rollout.ReviewPrompt, rollout.Decision}, tree.Segments[s].Kind)
			}
		}
	}
}

// requireSound: not empty, balanced tags, within the budgets.
func requireSound(t *testing.T, env *rollout.Env, tree *rollout.Tree, trajectory rollout.Trajectory) {
	t.Helper()
	count := tree.Count(trajectory.Leaf)
	require.Equal(t, trajectory.Turns, count.Turns)
	require.Positive(t, count.Turns, "a trajectory has a step")
	require.LessOrEqual(t, count.Turns, env.Protocol.MaxTurns)
	require.LessOrEqual(t, count.Sampled+count.Inserted, env.Protocol.MaxTokens)
	if trajectory.Invalid > 0 {
		return
	}
	text := env.Tokenizer.Decode(tree.PathTokens(trajectory.Leaf))
	for _, tag := range []rollout.Tag{"think", "search", "information", "answer"} {
		opened := strings.Count(text, tag.Open())
		require.Equal(t, opened, strings.Count(text, tag.Close()), text)
	}
}

// A cut at the last search of the draft keeps its budget: six turns in all, whatever was cut off.
func TestSuffixHasWhatIsLeftOfTheBudget(t *testing.T) {
	env, _ := environment(t, func(prefix string, _ int) string {
		if strings.HasSuffix(prefix, decides) {
			return " revise 4</decision>"
		}
		return weather
	})
	env.Protocol.MaxTurns = 4
	m := method(nil)
	m.Group, m.Rounds = 1, 3
	trees, metrics := collect(t, m, env, lunia)
	require.Equal(t, 4, trees[0].Trajectories[0].Turns)
	require.Equal(t, rollout.OutOfTurns, trees[0].Trajectories[0].End)
	require.Equal(t, 1.0, metrics[refiner.MetricCut(3)])
	require.Equal(t, 3.0, metrics[refiner.MetricKept])
}

func TestRepair(t *testing.T) {
	env, searcher := environment(t, turns(" revise 2</decision>", weather, mayor))
	m := method(nil)
	m.Group = 1
	trees, metrics := collect(t, m, env, lunia)
	require.Equal(t, "Ada", trees[0].Trajectories[0].Answer)
	require.Equal(t, []string{"capital of Lunia", "weather", "mayor of Marrow"}, searcher.Queries, "the kept step's documents are not fetched again")
	require.Equal(t, 1.0, metrics[refiner.MetricRepaired])
	require.Zero(t, metrics[refiner.MetricDraftEM])
	require.Equal(t, 3, trees[0].Trajectories[0].Turns)
	cut, reviews := 0, 0
	for _, s := range trees[0].Segments {
		switch {
		case s.Kind == rollout.ReviewPrompt || s.Kind == rollout.Decision:
			reviews += len(s.Tokens)
		case s.Sampled() && s.Advantages == nil:
			cut += len(s.Tokens)
		}
	}
	require.Equal(t, float64(cut), metrics[refiner.MetricDiscarded])
	require.Equal(t, float64(reviews), metrics[refiner.MetricReview])
}

// What is sampled anew is sampled for each draft by itself, also where nothing is kept.
func TestSuffixesDiffer(t *testing.T) {
	env, _, world := embedded(t)
	env.Policy = &decider{Policy: env.Policy, tok: env.Tokenizer, say: func(string) string { return " revise 1</decision>" }}
	trees, _ := collect(t, method(world), env, world.Questions(rand.New(rand.NewPCG(1, 1)), 1)...)
	different := map[string]bool{}
	for _, trajectory := range trees[0].Trajectories {
		different[string(runes(trees[0].PathTokens(trajectory.Leaf)))] = true
	}
	require.Greater(t, len(different), 1)
}

func TestCutAtTheQuestion(t *testing.T) {
	env, searcher := environment(t, stray(" revise 1</decision>"))
	m := method(nil)
	m.Group = 1
	trees, _ := collect(t, m, env, lunia)
	require.Len(t, searcher.Queries, 4, "everything anew")
	require.Equal(t, "Bo", trees[0].Trajectories[0].Answer)
	require.Equal(t, 3, trees[0].Trajectories[0].Turns)
}

func TestUnreadableMeansAccept(t *testing.T) {
	env, _ := environment(t, stray(" revise it</decision>"))
	trees, metrics := collect(t, method(nil), env, lunia)
	require.Equal(t, 1.0, metrics[refiner.MetricUnreadable])
	require.Equal(t, 1.0, metrics[refiner.MetricAccepted])
	require.Equal(t, "Bo", trees[0].Trajectories[0].Answer)
}

func TestNoRoomMeansAccept(t *testing.T) {
	env, searcher := environment(t, stray(" revise 1</decision>"))
	env.Protocol.Review.MaxTokens = env.Protocol.MaxTokens
	trees, metrics := collect(t, method(nil), env, lunia)
	require.Len(t, credits(trees[0]), 5*3, "the drafts' steps and no other")
	require.Len(t, searcher.Queries, 2, "nothing anew: each of the drafts' two queries, the same for all five, once")
	require.Zero(t, metrics[refiner.MetricDiscarded])
	require.Equal(t, 1.0, metrics[refiner.MetricNoRoom])
	require.NotContains(t, metrics, refiner.MetricAccepted)
}

func TestHarm(t *testing.T) {
	env, _ := environment(t, turns(" revise 2</decision>", mayor, weather))
	m := method(nil)
	m.Group = 1
	_, metrics := collect(t, m, env, lunia)
	require.Equal(t, 1.0, metrics[refiner.MetricHarmed])
	require.Equal(t, 1.0, metrics[refiner.MetricDraftEM])
}

// A decision that spoils a right draft is punished by what was lost, R(final) − R(draft), though its trajectory's own reward
// is only 0.
func TestGainPunishesHarm(t *testing.T) {
	env, _ := environment(t, turns(" revise 2</decision>", mayor, weather))
	m := method(nil)
	m.Group, m.Gain = 1, true
	trees, _ := collect(t, m, env, lunia)
	decisions := 0
	for i := range trees[0].Segments {
		if s := &trees[0].Segments[i]; s.Kind == rollout.Decision {
			decisions++
			for _, a := range s.Advantages {
				require.Equal(t, -1.0, a)
			}
			require.NotEmpty(t, s.Advantages)
		}
	}
	require.Equal(t, 1, decisions)
}

// What follows for a question depends on its own number alone.
func TestQuestionsDoNotTouchEachOther(t *testing.T) {
	env, _, world := embedded(t)
	questions := world.Questions(rand.New(rand.NewPCG(1, 1)), 3)
	m := method(world)
	two, _ := collect(t, m, env, questions[0], questions[1])
	other, _ := collect(t, m, env, questions[0], questions[2])
	require.Equal(t, two[0], other[0])
}

func TestOracleRepairsWhatIsFlawed(t *testing.T) {
	env, _, world := embedded(t)
	m := method(world)
	m.Reviewer = tinyjudge.New(world)
	questions := world.Questions(rand.New(rand.NewPCG(1, 1)), 10)
	trees, metrics := collect(t, m, env, questions...)
	require.Zero(t, metrics[refiner.MetricHarmed])
	require.Zero(t, metrics[refiner.MetricUnreadable])
	require.Equal(t, 1-metrics[refiner.MetricDraftEM], 1-metrics[refiner.MetricAccepted])
	for _, tree := range trees {
		for _, s := range tree.Segments {
			require.NotEqual(t, rollout.Decision, s.Kind, "the reviewer's decisions are nobody's actions")
		}
	}
	acted, err := m.Act(context.Background(), env, questions, rollout.Sampling{}, seeded())
	require.NoError(t, err)
	plain, err := env.Rollout(context.Background(), questions, 1, rollout.Sampling{}, seeded())
	require.NoError(t, err)
	require.Equal(t, plain, acted, "nobody knows the answers here")
}

func TestSettings(t *testing.T) {
	for want, spoil := range map[string]func(m *refiner.Method){
		"group is 0":           func(m *refiner.Method) { m.Group = 0 },
		"top-k 3":              func(m *refiner.Method) { m.Sampling.TopK = 3 },
		`normalisation "x"`:    func(m *refiner.Method) { m.Normalisation = "x" },
		"-1 rounds":            func(m *refiner.Method) { m.Rounds = -1 },
		`discarded "some"`:     func(m *refiner.Method) { m.Discarded = "some" },
		"threshold τ is 1.5":   func(m *refiner.Method) { m.Threshold = 1.5 },
		`suffix "none"`:        func(m *refiner.Method) { m.Suffix = "none" },
		"top-k 0 and top-p 0.": func(m *refiner.Method) { m.Sampling.TopP = .5 },
	} {
		m := refiner.Paper(nil)
		require.NoError(t, m.Validate())
		spoil(&m)
		require.ErrorContains(t, m.Validate(), want)
		env, _ := environment(t, stray(""))
		_, _, err := m.Collect(context.Background(), env, []qa.Question{lunia}, seeded())
		require.ErrorContains(t, err, want)
	}
	env, _ := environment(t, stray(""))
	env.Protocol.Review = rollout.Review{}
	_, _, err := refiner.Paper(nil).Collect(context.Background(), env, []qa.Question{lunia}, seeded())
	require.ErrorContains(t, err, "no review")
	_, err = refiner.Paper(nil).Act(context.Background(), env, []qa.Question{lunia}, rollout.Sampling{}, seeded())
	require.ErrorContains(t, err, "no review")
}

func TestNames(t *testing.T) {
	_, _, world := embedded(t)
	m := method(world)
	require.Equal(t, "search-r2", m.Name())
	m.Frozen, m.Process = true, nil
	require.Equal(t, "search-r2-frozen-outcome", m.Name())
	m = method(world)
	m.Reviewer = tinyjudge.New(world)
	require.Equal(t, "search-r2-oracle", m.Name())
	text, err := m.MarshalJSON()
	require.NoError(t, err)
	require.Contains(t, string(text), `"process":"tinyworld","reviewer":true`)
}
