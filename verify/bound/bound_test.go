package bound

import (
	"context"
	"errors"
	"math"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"searchrl/estimator"
	"searchrl/grpo"
	"searchrl/verify"
	"searchrl/verify/exact"
	"searchrl/verify/verifytest"
)

func TestClaims(t *testing.T) { verifytest.Claims(t, Claims()) }

// TestBrokenEstimators: each fault is noticed by the claim it is named with.
func TestBrokenEstimators(t *testing.T) {
	leaveOneOut := func(rewards []float64, norm grpo.Normalisation) []float64 {
		out := estimator.Truncated(rewards, norm)
		for i := range out {
			out[i] *= float64(len(out)) / float64(len(out)-1)
		}
		return out
	}
	for _, fault := range []struct {
		name, claim string
		spoil       func(e *Estimators)
	}{
		{"leave-one-out baseline", "bound/group-factor", func(e *Estimators) { e.Truncated = leaveOneOut }},
		{"no baseline", "bound/group-factor", func(e *Estimators) {
			e.Truncated = func(r []float64, _ grpo.Normalisation) []float64 { return r }
		}},
		{"sign", "bound/group-factor", func(e *Estimators) {
			e.Full = func(r [][]float64, n grpo.Normalisation) [][]float64 { return negated(estimator.Full(r, n)) }
		}},
		{"full return in place of the reward to go", "bound/group-factor", func(e *Estimators) { e.RewardToGo = e.Full }},
		{"to go from the next step on", "bound/whole-trajectories-estimate-Q-minus-V", func(e *Estimators) { e.RewardToGo = late }},
		{"the sign of Q − V", "bound/whole-trajectories-estimate-Q-minus-V", func(e *Estimators) {
			e.Full = func(r [][]float64, n grpo.Normalisation) [][]float64 { return negated(estimator.Full(r, n)) }
		}},
		{"immediate rewards as the full return", "bound/whole-trajectories-estimate-Q-minus-V", func(e *Estimators) { e.Full = myopic }},
		{"not finite", "bound/group-factor", func(e *Estimators) {
			e.Truncated = func(r []float64, _ grpo.Normalisation) []float64 { r[0] = math.NaN(); return r }
		}},
		{"std with n", "bound/standardised", func(e *Estimators) {
			e.Truncated = func(r []float64, n grpo.Normalisation) []float64 {
				out := estimator.Truncated(r, n)
				for i := range out {
					out[i] *= math.Sqrt(float64(len(r)) / float64(len(r)-1))
				}
				return out
			}
		}},
		{"not standardised", "bound/standardised", func(e *Estimators) {
			e.Full = func(r [][]float64, _ grpo.Normalisation) [][]float64 { return estimator.Full(r, grpo.MeanOnly) }
		}},
		{"not standardised at a prefix", "bound/standardised", func(e *Estimators) {
			e.Truncated = func(r []float64, _ grpo.Normalisation) []float64 { return estimator.Truncated(r, grpo.MeanOnly) }
		}},
		{"η for 1/η", "bound/selection", func(e *Estimators) {
			e.Selection = func(a []float64, eta float64) ([]float64, error) { return estimator.Selection(a, 1/eta) }
		}},
		{"the best candidate", "bound/selection", func(e *Estimators) {
			e.Selection = func(a []float64, _ float64) ([]float64, error) { return estimator.Selection(a, 0) }
		}},
		{"an error", "bound/selection", func(e *Estimators) {
			e.Selection = func([]float64, float64) ([]float64, error) { return nil, errors.New("no") }
		}},
	} {
		t.Run(fault.name, func(t *testing.T) {
			e := Real()
			fault.spoil(&e)
			evidence := check(t, fault.claim, e)
			require.Equal(t, verify.Broken, evidence.Status)
			require.NotEmpty(t, evidence.Worst)
			require.Contains(t, evidence.Figures[0].Text, "question\n", "the process that shows it")
		})
	}
}

func check(t *testing.T, id string, e Estimators) verify.Evidence {
	for _, claim := range ClaimsOf(e) {
		if claim.ID == id {
			evidence, err := claim.Check(context.Background(), verify.Effort{Seed: verifytest.Seed(t)})
			require.NoError(t, err)
			return evidence
		}
	}
	require.Fail(t, "no such claim", id)
	return verify.Evidence{}
}

func negated(rows [][]float64) [][]float64 {
	for _, row := range rows {
		for i := range row {
			row[i] = -row[i]
		}
	}
	return rows
}

// late takes the rewards after the step.
func late(rewards [][]float64, norm grpo.Normalisation) [][]float64 {
	moved := make([][]float64, len(rewards))
	for i, row := range rewards {
		moved[i] = append(append([]float64(nil), row[1:]...), 0)
	}
	return estimator.RewardToGo(moved, norm)
}

// myopic centres each step's own rewards over whole trajectories.
func myopic(rewards [][]float64, norm grpo.Normalisation) [][]float64 {
	out := make([][]float64, len(rewards))
	for i := range out {
		out[i] = make([]float64, len(rewards[i]))
	}
	for t := range rewards[0] {
		column := make([]float64, len(rewards))
		for i := range rewards {
			column[i] = rewards[i][t]
		}
		for i, a := range estimator.Truncated(column, norm) {
			out[i][t] = a
		}
	}
	return out
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
		evidence := check(t, "bound/negative-covariance", Real())
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
