package bound

import (
	"context"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"searchrl/verify"
	"searchrl/verify/exact"
	"searchrl/verify/verifytest"
)

func TestClaims(t *testing.T) { verifytest.Claims(t, Claims()) }

func TestMutants(t *testing.T) { verifytest.Mutants(t, Claims(), Mutants()) }

// TestContradictionIsShown: what contradicts a claim is a process, shrunk.
func TestContradictionIsShown(t *testing.T) {
	e := Real()
	full(negated)(&e)
	evidence, err := claimOf(e, "bound/group-factor").Check(context.Background(), verify.Effort{Seed: 1})
	require.NoError(t, err)
	require.Equal(t, verify.Broken, evidence.Status)
	require.Contains(t, evidence.Worst, "expected")
	require.Equal(t, "question\n├─ 1/2: reward 0   G = 0\n└─ 1/2: reward 1   G = 1\n", evidence.Figures[0].Text)
}

// TestAssumptionsMatter: without its assumption, each statement is contradicted.
func TestAssumptionsMatter(t *testing.T) {
	always := func(check func(*exact.Process) string) func(*exact.Process) (bool, string) {
		return func(p *exact.Process) (bool, string) { return true, check(p) }
	}
	for name, l := range map[string]law{
		"ratio at least T, covariance of any sign": {anyProcess, always(func(p *exact.Process) string {
			a := p.Analyse()
			return below(a.Full(groupSize), truncated(a, groupSize))
		})},
		"ratio T, steps that depend on each other":     {anyProcess, fullIsTTimes},
		"ratio T, independent steps of different laws": {func(d exact.Draws) *exact.Process { return independent(d, false) }, fullIsTTimes},
		"ratio T − t + 1, different laws":              {func(d exact.Draws) *exact.Process { return independent(d, false) }, togoIsTimesLeft},
		"judge noise, steps that are not taken":        {tiny, always(noiseAdds)},
		"policy's prefixes, selection by η = 0.72":     {whole, always(func(p *exact.Process) string { return keepsLaw(p, base) })},
	} {
		t.Run(name, func(t *testing.T) {
			evidence, err := l.try(context.Background(), name, verify.Effort{Seed: verifytest.Seed(t)})
			require.NoError(t, err)
			require.Equal(t, verify.Broken, evidence.Status)
		})
	}
}

// TestCounterExample: wherever the search begins, it ends at the golden file.
func TestCounterExample(t *testing.T) {
	golden, err := os.ReadFile("testdata/counterexample.txt")
	require.NoError(t, err)
	for range 3 {
		evidence, err := claimOf(Real(), "bound/negative-covariance").Check(context.Background(), verify.Effort{Seed: verifytest.Seed(t)})
		require.NoError(t, err)
		require.Equal(t, string(golden), evidence.Figures[0].Text)
		require.Equal(t, "ratio 0·T with total covariance -1/2", evidence.Worst)
	}
}

// TestRatioByRapid is the bound once more with rapid drawing the process, so that a failure would be shrunk by it, too.
func TestRatioByRapid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := anyProcess(rapidly{t}).Analyse()
		if a.Covariance.Sign() < 0 {
			t.Skip("negative covariance")
		}
		require.Empty(t, below(a.Full(groupSize), truncated(a, groupSize)))
	})
}

type rapidly struct{ *rapid.T }

func (r rapidly) Int(label string, min, max int) int {
	return rapid.IntRange(min, max).Draw(r.T, label)
}

func TestNothingShown(t *testing.T) {
	verifytest.Fixed(t)
	never := func(*exact.Process) bool { return false }
	p, tried, err := smallest(context.Background(), verify.Effort{}, tiny, never)
	require.NoError(t, err)
	require.Equal(t, verify.Broken, limit(p, tried, "", nil).Status)
	require.Equal(t, patience, tried)

	_, err = law{tiny, func(*exact.Process) (bool, string) { return false, "" }}.try(context.Background(), "x", verify.Effort{})
	require.ErrorContains(t, err, "applies to 0 of")
}

func TestCancelled(t *testing.T) { verifytest.Cancelled(t, Claims()) }

// TestFigureByHand: two points of the noise figure and of reward to go.
func TestFigureByHand(t *testing.T) {
	flat := noiseFigure().Series[1]
	require.Equal(t, 4., flat.Y[0])
	require.InDelta(t, 4, flat.Y[16], 1e-12)
	require.Less(t, noiseFigure().Series[0].Y[0], 4.)
	require.Equal(t, []float64{5, 4, 3, 2, 1}, rewardToGoFigure().Series[1].Y)
	require.True(t, strings.HasPrefix(rewardToGoFigure().Series[2].Name, "correlation 0.5"))
	require.Equal(t, 1., float(big.NewRat(1, 1)))
}
