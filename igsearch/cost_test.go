package igsearch_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/grpo"
	"searchrl/igsearch"
	"searchrl/plain"
	"searchrl/rollout"
)

// counter is a policy that counts the tokens that it computes in order to score.
type counter struct {
	*plain.Model
	scored   int64
	branches int
}

func (c *counter) Score(ctx context.Context, reqs []rollout.ScoreRequest) ([][][]float64, error) {
	before := c.Computed()
	defer func() { c.scored += c.Computed() - before }()
	c.branches += len(reqs)
	return c.Model.Score(ctx, reqs)
}

// TestTokensOfScoring: what sampling computed of the trajectories is not computed again to score.
func TestTokensOfScoring(t *testing.T) {
	env, questions := standard(t)
	policy := &counter{Model: env.Policy.(*plain.Model)}
	env.Policy = policy
	trees, metrics, err := igsearch.Default().Collect(context.Background(), env, questions[:12], rand.New(rand.NewPCG(0, 1)))
	require.NoError(t, err)
	var total rollout.Count
	for _, tree := range trees {
		total.Sampled += tree.Total().Sampled
		total.Inserted += tree.Total().Inserted
	}
	t.Logf("%v searches, %d branches; sampling computed %d tokens, of which %d were sampled; scoring %d more, and %v are in its trees",
		metrics[igsearch.MetricSteps], policy.branches, policy.Computed()-policy.scored, total.Sampled, policy.scored, metrics[grpo.MetricScoredTokens])
	saved := int(metrics[grpo.MetricScoredTokens]) - int(policy.scored)
	require.Greater(t, saved, (total.Sampled+total.Inserted)/2)
}
