package warmstart_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/accel"
	"searchrl/rollout"
	"searchrl/tinyworld"
	"searchrl/tinyworld/warmstart"
)

func demonstrate(t *testing.T, level tinyworld.Level, n int, m warmstart.Mixture) []*rollout.Tree {
	t.Helper()
	school, err := warmstart.NewSchool(level, 10)
	require.NoError(t, err)
	trees, err := school.Demonstrations(context.Background(), rand.New(rand.NewPCG(1, 2)), n, m)
	require.NoError(t, err)
	require.Len(t, trees, n)
	return trees
}

// The text of a demonstration, encoded as a whole, has the same ids as the segments that the loop put together: there is
// no second way to spell an episode.
func TestDemonstrationsAreSpelledAsRolloutsAre(t *testing.T) {
	for _, level := range tinyworld.Levels() {
		tok, err := tinyworld.Tokenizer(level)
		require.NoError(t, err)
		for _, tree := range demonstrate(t, level, 100, warmstart.Skill(level, .7)) {
			require.NoError(t, tree.Validate())
			require.Len(t, tree.Trajectories, 1)
			leaf := tree.Trajectories[0].Leaf
			ids := tree.PathTokens(leaf)
			require.Equal(t, ids, tok.EncodeTrusted(tok.Decode(ids)))
			require.LessOrEqual(t, len(ids), tinyworld.Protocol(level).MaxTokens)
			require.Zero(t, tree.Trajectories[0].Invalid)
			for _, s := range tree.Path(leaf) {
				segment := &tree.Segments[s]
				require.Equal(t, segment.Kind != rollout.Prompt && segment.Kind != rollout.Documents, segment.Sampled())
			}
		}
	}
}

func TestDemonstrationsDependOnTheirStreamAlone(t *testing.T) {
	m := warmstart.Skill(tinyworld.Standard, .85)
	require.Equal(t, demonstrate(t, tinyworld.Standard, 8, m), demonstrate(t, tinyworld.Standard, 8, m))
}

func TestMixturesAreDistributions(t *testing.T) {
	for _, level := range tinyworld.Levels() {
		for name, m := range map[string]warmstart.Mixture{
			"skill": warmstart.Skill(level, .85), "habits": warmstart.Habits(level, warmstart.Medium),
		} {
			for _, r := range tinyworld.Relations(level) {
				total := 0.0
				for _, share := range m.Shares[r.Name] {
					require.GreaterOrEqual(t, share, 0.0)
					total += share
				}
				require.InDelta(t, 1, total, 1e-12, "%s, %s", name, r.Name)
			}
		}
	}
}

// Counts what demonstrations of the habit phase do first, for a relation of each kind.
func TestHabitsShowInTheDemonstrations(t *testing.T) {
	m := warmstart.Habits(tinyworld.Standard, warmstart.Medium)
	m.ClosedBook = 0
	precise, vague, asked := map[string]int{}, map[string]int{}, map[string]int{}
	for _, tree := range demonstrate(t, tinyworld.Standard, 3000, m) {
		chain, err := tinyworld.ParseQuestion(tree.Question.Text)
		require.NoError(t, err)
		need := chain.Relations[0]
		for _, s := range tree.Segments {
			if s.Kind == rollout.Query {
				switch s.Value {
				case need + " of " + chain.Start:
					precise[need]++
				case need:
					vague[need]++
				}
				break
			}
		}
		asked[need]++
	}
	share := func(count map[string]int, relation string) float64 {
		return float64(count[relation]) / float64(asked[relation])
	}
	require.InDelta(t, warmstart.Medium.GoodKnown, share(precise, "mentor"), .08)
	require.InDelta(t, warmstart.Medium.GoodUnknown, share(precise, "boss"), .08)
	require.InDelta(t, .7*(1-warmstart.Medium.GoodUnknown-warmstart.Medium.Premature), share(vague, "boss"), .08)
	require.InDelta(t, warmstart.Medium.GoodUnknown, share(precise, "owner"), .10)
}

func TestLessonTrainsWhatThePolicyWrote(t *testing.T) {
	trees := demonstrate(t, tinyworld.Standard, 5, warmstart.Skill(tinyworld.Standard, .85))
	batch := warmstart.Lesson(trees)
	total, n := 0.0, 0
	for _, target := range batch.Targets {
		require.True(t, batch.Trees[target.Tree].Segments[target.Segment].Sampled())
		total += target.Weight
	}
	for _, tree := range trees {
		for _, s := range tree.Segments {
			if s.Sampled() {
				n += len(s.Tokens)
			}
		}
	}
	require.Len(t, batch.Targets, n)
	require.InDelta(t, 1, total, 1e-9)
}

func TestRunMakesAPolicy(t *testing.T) {
	backend, err := accel.Open("go")
	require.NoError(t, err)
	defer backend.Close()
	o := warmstart.DefaultOptions(tinyworld.Standard)
	o.Worlds, o.Evaluate = 3, 0
	o.Skill.Steps, o.Skill.Batch, o.Skill.WarmUp = 12, 4, 2
	o.Habits.Steps, o.Habits.Batch = 1, 2
	o.Review.Steps, o.Review.Batch = 2, 2
	var losses []float64
	result, err := warmstart.Run(context.Background(), backend, o, nil, func(p warmstart.Progress) { losses = append(losses, p.Loss) })
	require.NoError(t, err)
	require.NoError(t, result.Base.Check(result.Config))
	require.Len(t, losses, 15)
	require.Less(t, losses[11], losses[0]-.5)
	require.NotEqual(t, result.Skilled, result.Habits)
	require.NotEqual(t, result.Habits, result.Base)

	again, err := warmstart.Run(context.Background(), backend, o, result.Skilled, func(warmstart.Progress) {})
	require.NoError(t, err)
	require.Equal(t, result.Base, again.Base, "the later phases are a function of the skilled policy and the seed")
}

func TestRunStopsWithItsContext(t *testing.T) {
	backend, err := accel.Open("go")
	require.NoError(t, err)
	defer backend.Close()
	ctx, cancel := context.WithCancel(context.Background())
	o := warmstart.DefaultOptions(tinyworld.Standard)
	o.Worlds, o.Evaluate, o.Skill.Batch = 2, 0, 2
	steps := 0
	_, err = warmstart.Run(ctx, backend, o, nil, func(warmstart.Progress) {
		steps++
		cancel()
	})
	require.ErrorIs(t, err, context.Canceled)
	require.LessOrEqual(t, steps, 2)
}

func TestBadOptions(t *testing.T) {
	_, err := warmstart.NewSchool(tinyworld.Standard, 0)
	require.ErrorContains(t, err, "0 worlds")
	_, err = warmstart.NewSchool("easy", 1)
	require.ErrorContains(t, err, "easy")
	require.True(t, strings.HasPrefix(warmstart.Good.String(), "good"))
}
