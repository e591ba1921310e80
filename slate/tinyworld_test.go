package slate_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/checkpoint"
	"searchrl/internal/scripted"
	"searchrl/judge/tinyjudge"
	"searchrl/plain"
	"searchrl/retrieval"
	"searchrl/rollout"
	"searchrl/slate"
	"searchrl/tinyworld"
	"searchrl/tokenizer"
)

// meter is a policy that adds up what its requests would compute with the prefix shared by their samples and without,
// where the prefix is four steps long.
type meter struct {
	rollout.Policy
	tok                       *tokenizer.Tokenizer
	shared, unshared, sampled int
	requests                  []int // N of each
}

func (m *meter) Generate(ctx context.Context, reqs []rollout.GenerateRequest) ([][]rollout.Completion, error) {
	out, err := m.Policy.Generate(ctx, reqs)
	for i, req := range reqs {
		m.requests = append(m.requests, req.N)
		view, err := tinyworld.ReadView(m.tok.Decode(req.Prefix))
		if err != nil || len(view.Queries) != 4 {
			continue
		}
		own := 0
		for _, c := range out[i] {
			own += len(c.Tokens)
		}
		m.sampled += own
		m.shared += len(req.Prefix) + own
		m.unshared += req.N*len(req.Prefix) + own
	}
	return out, err
}

// TestTinyworld collects with the embedded policy and the exact judge: a question costs T retrievals, each decision point is
// one request for k candidates, and behind a prefix of four steps sharing it makes a sampled token cost at most a third.
func TestTinyworld(t *testing.T) {
	files, err := tinyworld.Base(tinyworld.Standard)
	require.NoError(t, err)
	config, weights, err := checkpoint.Load(files)
	require.NoError(t, err)
	tok, err := tokenizer.Load(files)
	require.NoError(t, err)
	model, err := plain.New(config, weights, tok)
	require.NoError(t, err)
	world, err := tinyworld.New(tinyworld.Standard, tinyworld.Seed(tinyworld.Train, 0))
	require.NoError(t, err)
	index, err := retrieval.NewBM25(world.Documents())
	require.NoError(t, err)
	policy, searcher := &meter{Policy: model, tok: tok}, &scripted.Counter{Searcher: index}
	env := &rollout.Env{Policy: policy, Searcher: searcher, Tokenizer: tok, Protocol: tinyworld.Protocol(tinyworld.Standard)}
	m := slate.Paper(tinyjudge.New(world))
	trees, metrics := collect(t, m, env, world.Questions(rand.New(rand.NewPCG(1, 1)), 8)...)
	groups := 0
	for _, tree := range trees {
		trajectory := tree.Trajectories[0]
		require.Equal(t, trajectory.Searches, tree.Total().Searches, "T retrievals, not kT")
		require.Equal(t, m.Candidates*trajectory.Turns, tree.Total().Turns)
		groups += trajectory.Turns
	}
	require.Equal(t, float64(groups), metrics[slate.MetricGroups])
	require.Len(t, policy.requests, groups)
	for _, n := range policy.requests {
		require.Equal(t, m.Candidates, n)
	}
	require.Zero(t, metrics[slate.MetricMasked])
	require.Positive(t, policy.sampled)
	require.LessOrEqual(t, 3*policy.shared, policy.unshared)
	t.Logf("tokens computed for a sampled one: %.1f, without sharing %.1f", float64(policy.shared)/float64(policy.sampled), float64(policy.unshared)/float64(policy.sampled))
}
