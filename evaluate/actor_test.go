package evaluate_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/evaluate"
	"searchrl/qa"
	"searchrl/rollout"
)

// secondTry samples two trajectories and lets the second count; short forgets the last question.
type secondTry struct{ short bool }

func (a secondTry) Act(ctx context.Context, env *rollout.Env, questions []qa.Question, sampling rollout.Sampling, rng *rand.Rand) ([]*rollout.Tree, error) {
	trees, err := env.Rollout(ctx, questions, 2, sampling, rng)
	if err != nil {
		return nil, err
	}
	for _, tree := range trees {
		tree.Trajectories = tree.Trajectories[1:]
	}
	if a.short {
		trees = trees[1:]
	}
	return trees, nil
}

func TestActor(t *testing.T) {
	env, questions := world(t, 20, oracle)
	plain, err := evaluate.Run(context.Background(), env, questions, evaluate.Options{}, rng())
	require.NoError(t, err)
	acted, err := evaluate.Run(context.Background(), env, questions, evaluate.Options{Actor: secondTry{}}, rng())
	require.NoError(t, err)
	for i := range questions {
		require.Equal(t, 1.0, acted[i].EM)
		require.Equal(t, plain[i].Searches, acted[i].Searches, "the other try's searches are not the trajectory's")
		require.Equal(t, 2*plain[i].Sampled, acted[i].Sampled, "the other try's tokens were sampled, too")
	}

	_, err = evaluate.Run(context.Background(), env, questions, evaluate.Options{Actor: secondTry{short: true}}, rng())
	require.ErrorContains(t, err, "19 trees, expected 20")
}
