package mixture

import (
	"math/big"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"searchrl/verify/exact"
	"searchrl/verify/verifytest"
)

func TestClaims(t *testing.T) { verifytest.Claims(t, Claims()) }

func TestMutants(t *testing.T) { verifytest.Mutants(t, Claims(), Mutants()) }

// TestSimplestCases: the simplest case of each limit, and what it shows, are the golden files.
func TestSimplestCases(t *testing.T) {
	for _, l := range laws() {
		if !l.simple {
			continue
		}
		name := strings.TrimPrefix(l.id, "mixture/")
		t.Run(name, func(t *testing.T) {
			golden, err := os.ReadFile("testdata/" + name + ".txt")
			require.NoError(t, err)
			evidence := l.simplest(Real())
			require.Len(t, evidence.Figures, 1)
			require.Equal(t, string(golden), evidence.Figures[0].Text+evidence.Worst+"\n")
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
