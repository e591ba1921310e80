package warmstart_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"searchrl/rollout"
	"searchrl/tinyworld"
	"searchrl/tinyworld/warmstart"
)

func TestDemonstrationsSpeed(t *testing.T) {
	s, err := warmstart.NewSchool(tinyworld.Standard, 20)
	require.NoError(t, err)
	start := time.Now()
	trees, err := s.Demonstrations(context.Background(), rand.New(rand.NewPCG(1, 2)), 256, warmstart.Skill(tinyworld.Standard, .7))
	require.NoError(t, err)
	t.Log(time.Since(start)/4, "a batch of 64")
	n := 0
	for _, tree := range trees {
		n += len(tree.PathTokens(tree.Trajectories[0].Leaf))
	}
	t.Log(n/256, "tokens a demonstration")
	for i := range 5 {
		t.Log("\n" + rollout.FormatTrajectory(trees[i], 0))
	}
	for _, s := range trees[0].Segments {
		t.Logf("%q %d", s.Text, len(s.Tokens))
	}
}
