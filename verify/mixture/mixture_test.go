package mixture

import (
	"context"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"searchrl/verify"
	"searchrl/verify/exact"
)

// TestClaims checks every claim with a new seed each time: an exact check cannot fail by chance. A limit is looked for in 300
// cases; the rarest holds in about one of twelve, so it is missed with a probability below 1e-11.
func TestClaims(t *testing.T) {
	effort := verify.Effort{Seed: rand.Uint64()}
	for i, claim := range Claims() {
		t.Run(claim.ID, func(t *testing.T) {
			evidence, err := claim.Check(context.Background(), effort)
			require.NoError(t, err)
			want := verify.Holds
			if laws()[i].shows != nil {
				want = verify.Limit
			}
			require.Equal(t, want, evidence.Status, "seed %d: %s %+v", effort.Seed, evidence.Worst, evidence.Figures)
			require.Positive(t, evidence.Checks)
			require.True(t, strings.HasPrefix(claim.ID, "mixture/"))
			t.Log(evidence.Checks, evidence.Worst)
		})
	}
}

func TestPlantedFaultsAreCaught(t *testing.T) {
	effort := verify.Effort{Seed: rand.Uint64()}
	require.GreaterOrEqual(t, len(Mutants()), 8)
	for _, m := range Mutants() {
		t.Run(m.ID, func(t *testing.T) {
			by, caught, err := m.Catch(context.Background(), effort)
			require.NoError(t, err)
			require.True(t, caught, "seed %d: %s did not catch it", effort.Seed, by)
		})
	}
}

type draws struct{ *rapid.T }

func (d draws) Int(label string, min, max int) int { return rapid.IntRange(min, max).Draw(d.T, label) }

// The decomposition once more, on cases that rapid draws and can shrink.
func TestDecompositionByRapid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := exact.Draw(draws{t}, exact.Shape{Steps: 3, Actions: 2, Documents: 2, Nodes: 4})
		c := DrawCase(draws{t}, p, Any)
		require.Zero(t, Decompose(c).Extra.Sign(), "E G_c = 0 for the actor's own drafts")
		require.Zero(t, Decompose(c).Gain().Cmp(sub(c.Return(Law(c)), c.Return(c.base()))))
	})
}

// One step of two answers, worth 0 and 1: rejection sampling with a perfect discriminator.
func TestByHand(t *testing.T) {
	half := big.NewRat(1, 2)
	p := &exact.Process{Root: &exact.Node{Actions: []exact.Action{{P: half, Reward: new(big.Rat)}, {P: half, Reward: big.NewRat(1, 1)}}}}
	c := DrawCase(exact.Random(rand.New(rand.NewPCG(1, 1))), p, Any)
	c.Accept = []*big.Rat{new(big.Rat), big.NewRat(1, 1)}
	terms := Decompose(c)
	require.Equal(t, "1/4", terms.Gain().RatString(), "1/2 to 3/4")
	require.Equal(t, "1/4", terms.Accepting.RatString())
	require.Zero(t, terms.Trimming.Sign())
	require.Equal(t, []string{"1/4", "3/4"}, ratStrings(Law(c)))
	// J = 1 − (1−p)² for the probability p of the right answer with this refiner: dJ/dlogit = 2(1−p) · p(1−p) = 1/4.
	g := c.True()
	require.Equal(t, "1/4", g["node after [] []: 1"].RatString())
	require.True(t, c.Estimated(func(Rollout) Weights { return All }).Equal(g))
}
