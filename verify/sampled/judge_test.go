package sampled

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/rollout"
	"searchrl/tinyworld"
	"searchrl/verify/kernel"
	"searchrl/verify/verifytest"
)

// TestJudge: each step of the oracle has both points; without the subject or the relation, or with another answer, it loses
// the one that it should.
func TestJudge(t *testing.T) {
	verifytest.Fixed(t)
	f, err := newTransformer()
	require.NoError(t, err)
	s := f.asked(context.Background(), 2, 1, kernel.Real())
	s.env.Policy = tinyworld.NewAgent(f.judge.tok, f.world.Oracle())
	trees, err := s.env.Rollout(context.Background(), s.questions, 1, rollout.Sampling{Temperature: 1}, rand.New(rand.NewPCG(1, 1)))
	require.NoError(t, err)
	judged := map[rollout.Kind]int{}
	for _, tree := range trees {
		for _, point := range decisions(tree, tree.Trajectories[0].Leaf) {
			prefix := tree.PathTokens(point.prefix)
			score := func(kind rollout.Kind, old, new string) float64 {
				step := slices.Clone(point.step)
				for i := range step {
					if step[i].Kind == kind {
						judged[kind]++
						step[i].Value = strings.ReplaceAll(step[i].Value, old, new)
					}
				}
				r, err := f.judge.judge(prefix, step)
				require.NoError(t, err)
				return r
			}
			require.Equal(t, 2., score("", "", ""))
			view, err := tinyworld.ReadView(f.judge.tok.Decode(prefix))
			require.NoError(t, err)
			next, more := view.Next()
			if !more {
				answer := point.step[len(point.step)-1].Value
				require.Equal(t, 0., score(rollout.Answer, answer, "nobody"))
				require.Equal(t, 0., score(rollout.Think, "know", "guess"))
				continue
			}
			for _, word := range []string{next.Subject, next.Relation} {
				require.Equal(t, 0., score(rollout.Think, word, "nobody"), "the thought does not name %s", word)
				require.Equal(t, 1., score(rollout.Query, word, "nobody"), "the query does not name %s", word)
			}
		}
	}
	for _, kind := range []rollout.Kind{rollout.Think, rollout.Query, rollout.Answer} {
		require.Positive(t, judged[kind], kind)
	}
	r, err := f.judge.judge(trees[0].PathTokens(0), []rollout.Segment{{Kind: rollout.Invalid}})
	require.NoError(t, err)
	require.Equal(t, -2., r)
}
