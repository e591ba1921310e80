package grpo_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/grpo"
	"searchrl/rollout"
)

func TestABehaviourPolicyIsNotTruncated(t *testing.T) {
	for _, s := range []rollout.Sampling{{}, {Temperature: 1}, {Temperature: 1, TopP: 1}} {
		require.NoError(t, grpo.ValidateBehaviour(s))
	}
	require.ErrorContains(t, grpo.ValidateBehaviour(rollout.Sampling{TopK: 1}), "top-k 1")
	require.ErrorContains(t, grpo.ValidateBehaviour(rollout.Sampling{TopP: .9}), "top-p 0.9")
}
