package bound

import (
	"context"
	"fmt"
	"math"
	"math/big"

	"gonum.org/v1/gonum/stat"

	"searchrl/grpo"
	"searchrl/verify"
	"searchrl/verify/exact"
)

// correlated checks the closed form for a chain of ±1 rewards and draws the ratio against T, with measured points beside
// the exact curves. The points are for the eye: no status depends on them.
func correlated(e Estimators) verify.Claim {
	const id = "bound/correlated-steps"
	return verify.Claim{ID: id, Source: ours,
		Text: "For rewards ±1 of which each repeats the one before with probability (1+ρ)/2: V_full/(1 − 1/k) = Σ_{s,s'} ρ^|s−s'|, V_1/(1 − 1/k) = 1 and " +
			"V_t/(1 − 1/k) = 1 − ρ² later. The ratio is above T for ρ > 0, T for ρ = 0, below T for ρ < 0.",
		Check: func(ctx context.Context, effort verify.Effort) (verify.Evidence, error) {
			evidence := verify.Evidence{Status: verify.Holds}
			var off []float64
			for steps := 1; steps <= exact.MaxSteps; steps++ {
				for tenths := int64(-9); tenths <= 9; tenths++ {
					rho := big.NewRat(tenths, 10)
					a := exact.Markov(steps, rho).Analyse()
					evidence.Checks++
					if wrong := closedForm(a, rho); wrong != "" {
						evidence.Status, evidence.Worst = verify.Broken, fmt.Sprintf("T = %d, ρ = %s: %s", steps, rho.RatString(), wrong)
						return evidence, nil
					}
				}
			}
			figure := verify.Figure{Title: "Variance of whole trajectories over that of truncated steps", X: "T", Y: "V_full / mean V_t"}
			for i, rho := range []*big.Rat{big.NewRat(-1, 2), new(big.Rat), big.NewRat(1, 4), big.NewRat(1, 2), big.NewRat(3, 4)} {
				name := "correlation " + rho.FloatString(2)
				curve, points := verify.Series{Name: name + ", exact"}, verify.Series{Name: name + ", measured", Points: true}
				for steps := 1; steps <= exact.MaxSteps; steps++ {
					if err := ctx.Err(); err != nil {
						return evidence, err
					}
					report(effort, float64(i*exact.MaxSteps+steps-1)/float64(5*exact.MaxSteps))
					p := exact.Markov(steps, rho)
					a := p.Analyse()
					want := float64(steps) * float(new(big.Rat).Quo(a.Return, exact.Sum(a.Within)))
					got, half := e.measure(p, effort, uint64(i*100+steps))
					x := float64(steps)
					curve.X, curve.Y = append(curve.X, x), append(curve.Y, want)
					points.X, points.Y = append(points.X, x), append(points.Y, got)
					points.Low, points.High = append(points.Low, got-half), append(points.High, got+half)
					off = append(off, math.Abs(got-want)/half)
				}
				figure.Series = append(figure.Series, curve, points)
			}
			inside := 0
			for _, o := range off {
				if o <= 1 {
					inside++
				}
			}
			evidence.Worst = fmt.Sprintf("equal; %d of %d measured points cover the exact value with their 95 %% intervals", inside, len(off))
			evidence.Figures = []verify.Figure{figure}
			return evidence, nil
		}}
}

func closedForm(a *exact.Analysis, rho *big.Rat) string {
	want, power := big.NewRat(int64(a.Steps), 1), new(big.Rat).Set(rho)
	for d := 1; d < a.Steps; d++ {
		want.Add(want, new(big.Rat).Mul(big.NewRat(2*int64(a.Steps-d), 1), power))
		power.Mul(power, rho)
	}
	if a.Return.Cmp(want) != 0 {
		return fmt.Sprintf("Var(G) = %s, expected %s", a.Return.RatString(), want.RatString())
	}
	for t := range a.Steps {
		want := big.NewRat(1, 1)
		if t > 0 {
			want.Sub(want, new(big.Rat).Mul(rho, rho))
		}
		if a.Within[t].Cmp(want) != 0 {
			return fmt.Sprintf("E[Var(r_%d | τ)] = %s, expected %s", t+1, a.Within[t].RatString(), want.RatString())
		}
	}
	if sign := new(big.Rat).Sub(a.Return, exact.Sum(a.Within)).Sign(); a.Steps > 1 && sign != rho.Sign() {
		return "the ratio is on the wrong side of T"
	}
	return ""
}

// measure estimates the ratio from sampled groups; half is half the width of its 95 % interval (delta method).
func (e Estimators) measure(p *exact.Process, effort verify.Effort, stream uint64) (ratio, half float64) {
	n := 1500
	if effort.Long {
		n *= 20
	}
	rng := effort.Rand(stream)
	sampler, steps := exact.NewSampler(p), p.Steps()
	full, parts := make([]float64, n), make([]float64, n)
	rows, candidates := make([][]float64, groupSize), make([]float64, 0, groupSize)
	for i := range n {
		for j := range rows {
			rows[j] = sampler.Rewards(rng, rows[j][:0])
		}
		for _, advantages := range e.Full(rows, grpo.MeanOnly) {
			full[i] += advantages[0] * advantages[0] / groupSize
		}
		for t := range steps {
			candidates = sampler.Candidates(rng, t, groupSize, candidates[:0])
			for _, a := range e.Truncated(candidates, grpo.MeanOnly) {
				parts[i] += a * a / groupSize / float64(steps)
			}
		}
	}
	fm, fv := stat.MeanVariance(full, nil)
	pm, pv := stat.MeanVariance(parts, nil)
	ratio = fm / pm
	return ratio, 1.96 * ratio * math.Sqrt((fv/(fm*fm)+pv/(pm*pm))/float64(n))
}
