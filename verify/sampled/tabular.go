package sampled

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"

	"searchrl/verify"
	"searchrl/verify/exact"
	"searchrl/verify/kernel"
)

// Alpha is the false-alarm rate of each sequential test.
const Alpha = 1e-9

// missed bounds the probability that a planted violation is not found in time. The wealth of the tests below grows by
// g ≥ 5e-4 a sample in the logarithm, with a variance of 2g and steps of at most ln 4; by Bernstein's inequality it stays
// below 1/α after plantedSamples with a probability of less than this.
const missed = 1e-12

const (
	members        = 5      // k, as in SLATE
	nullSamples    = 100000 // of the test at the bound
	plantedSamples = 400000 // within which a violation by 5 % is found; a fifth of it is usual
	agreeSamples   = 8000   // of each test against an exact ratio
)

// exactRatio is T·Var(full)/Σ_t Var(truncated at t), the ratio to the mean over steps.
func exactRatio(p *exact.Process, k int) float64 {
	a := p.Analyse()
	within := new(big.Rat)
	for t := range a.Steps {
		within.Add(within, a.Truncated(k, t))
	}
	r := new(big.Rat).Quo(a.Full(k), within)
	r.Mul(r, big.NewRat(int64(a.Steps), 1))
	f, _ := r.Float64()
	return f
}

// planted is a process of T steps whose ratio is the given share below T, or a little more: rewards that alternate.
func planted(t int, below float64) *exact.Process {
	for i := int64(1); ; i++ {
		if p := exact.Markov(t, big.NewRat(-i, 1000)); exactRatio(p, 2) <= float64(t)*(1-below) {
			return p
		}
	}
}

// boundary tests the theorem on s: Z = mean_j (X_j−X'_j)²/2 − mean_j (Y_j−Y'_j)²/(2T), until it alarms or n samples were seen.
func boundary(ctx context.Context, s sampler, rng *rand.Rand, n int, tell func(int)) (*Process, *moments, *curve, error) {
	t := float64(s.steps())
	p, err := NewProcess(-bound(t*s.width())/t, bound(s.width()), Alpha)
	if err != nil {
		return nil, nil, nil, err
	}
	m, c := &moments{}, &curve{}
	for p.N() < n && !p.Alarm() {
		if p.N()%256 == 0 {
			if err := ctx.Err(); err != nil {
				return nil, nil, nil, err
			}
			if tell != nil {
				tell(p.N())
			}
		}
		g, err := s.draw(rng, 2)
		if err != nil {
			return nil, nil, nil, err
		}
		x, y := pair(&g[0], &g[1])
		m.add(x, y)
		if err := p.Observe(x - y/t); err != nil {
			return nil, nil, nil, err
		}
		c.add(p)
	}
	return p, m, c, nil
}

// sides tests E[y] = R·E[x] from both sides, each at half of alpha.
type sides struct {
	ratio        float64
	above, below *Process
}

func newSides(s sampler, ratio, alpha float64) (*sides, error) {
	x, y := ratio*bound(s.width()), bound(float64(s.steps())*s.width())
	above, err := NewProcess(-x, y, alpha/2)
	if err != nil {
		return nil, err
	}
	below, err := NewProcess(-y, x, alpha/2)
	return &sides{ratio, above, below}, err
}

// observe returns whether one of the tests has alarmed by now.
func (p *sides) observe(x, y float64) (alarm bool, err error) {
	if err := p.above.Observe(y - p.ratio*x); err != nil {
		return false, err
	}
	if err := p.below.Observe(p.ratio*x - y); err != nil {
		return false, err
	}
	return p.above.Alarm() || p.below.Alarm(), nil
}

// agrees tests E[y] = R·E[x] on n pairs of groups; it stops at an alarm. seen are the observations (x, y).
func agrees(ctx context.Context, s sampler, rng *rand.Rand, ratio, alpha float64, n int) (alarm bool, m *moments, seen [][2]float64, err error) {
	test, err := newSides(s, ratio, alpha)
	if err != nil {
		return false, nil, nil, err
	}
	const batch = 128
	m = &moments{}
	for len(seen) < n {
		if err := ctx.Err(); err != nil {
			return false, nil, nil, err
		}
		g, err := s.draw(rng, 2*batch)
		if err != nil {
			return false, nil, nil, err
		}
		for i := 0; i < len(g); i += 2 {
			x, y := pair(&g[i], &g[i+1])
			m.add(x, y)
			seen = append(seen, [2]float64{x, y})
			if alarm, err := test.observe(x, y); alarm || err != nil {
				return alarm, m, seen, err
			}
		}
	}
	return false, m, seen, nil
}

// factor is how many times as many samples the deep mode draws.
func factor(effort verify.Effort) int {
	if effort.Long {
		return 10
	}
	return 1
}

// checkBoundary is the check of the claim sampled/bound, on the given kernels.
func checkBoundary(ctx context.Context, k kernel.Kernels, effort verify.Effort) (verify.Evidence, error) {
	// Homogeneous independent steps: the theorem's equality, so the hardest case of H0.
	tight := newTabular(exact.Markov(4, new(big.Rat)), members, k)
	n := nullSamples * factor(effort)
	null, m, at, err := boundary(ctx, tight, effort.Rand(1), n, func(done int) {
		if effort.Progress != nil {
			effort.Progress(float64(done) / float64(n))
		}
	})
	if err != nil {
		return outOfRange(err)
	}
	p := planted(4, .05)
	violated, mv, rise, err := boundary(ctx, newTabular(p, members, k), effort.Rand(2), plantedSamples, nil)
	if err != nil {
		return outOfRange(err)
	}
	r, rv := m.ratio(4, 4), mv.ratio(4, exactRatio(p, members))
	e := verify.Evidence{
		Status: verify.Holds, Checks: null.N() + violated.N(),
		Worst: fmt.Sprintf("ratio %.3f %v at T = 4, wealth %.2g", r.Measured, r.CI, null.Wealth()),
		Power: fmt.Sprintf("a ratio of %.3f, %.1f %% below T, was found after %d samples (limit %d)", rv.Exact, 100*(1-rv.Exact/4),
			violated.AlarmAt(), plantedSamples),
		Figures: []verify.Figure{wealths("Sequential test of Var(truncated) ≤ Var(full)/T", Alpha, []string{"ratio = T", "ratio 5 % below T"}, []*curve{at, rise})},
	}
	switch {
	case null.Alarm():
		e.Status, e.Worst = verify.Broken, fmt.Sprintf("alarm after %d samples: ratio %.3f %v where it is 4", null.AlarmAt(), r.Measured, r.CI)
	case !violated.Alarm():
		e.Status, e.Worst = verify.Broken, fmt.Sprintf("a violation by 5 %% was not found in %d samples (wealth %.2g)", violated.N(), violated.Wealth())
	}
	return e, nil
}

// outOfRange is the evidence where an estimator left the range that its definition allows.
func outOfRange(err error) (verify.Evidence, error) {
	var bad *RangeError
	if errors.As(err, &bad) {
		return verify.Evidence{Status: verify.Broken, Checks: bad.N, Worst: err.Error()}, nil
	}
	return verify.Evidence{}, err
}

// setting is a process whose ratio is measured.
type setting struct {
	t   int
	rho *big.Rat
}

func settings() []setting {
	var out []setting
	for _, rho := range []*big.Rat{big.NewRat(-1, 4), new(big.Rat), big.NewRat(1, 4), big.NewRat(1, 2)} {
		for t := 2; t <= exact.MaxSteps; t++ {
			out = append(out, setting{t, rho})
		}
	}
	return out
}

// checkRatios is the check of the claim sampled/ratios.
func checkRatios(ctx context.Context, k kernel.Kernels, f fault, effort verify.Effort) (verify.Evidence, error) {
	all := settings()
	e := verify.Evidence{Status: verify.Holds}
	figure := verify.Figure{Title: "Variance ratio, measured and exact", X: "steps T", Y: "Var(full) / mean Var(truncated)"}
	worst := 0.
	for i, s := range all {
		p := exact.Markov(s.t, s.rho)
		source := newTabular(p, members, k)
		source.fault = f
		want := exactRatio(p, members)
		alarm, m, _, err := agrees(ctx, source, effort.Rand(uint64(10+i)), want, Alpha/float64(len(all)), agreeSamples*factor(effort))
		if err != nil {
			return outOfRange(err)
		}
		r := m.ratio(s.t, want)
		e.Checks += r.Samples
		if alarm {
			e.Status, e.Worst = verify.Broken, fmt.Sprintf("T = %d, ρ = %v: measured %.3f %v, exact %.3f", s.t, s.rho, r.Measured, r.CI, want)
			return e, nil
		}
		if off := math.Abs(r.Measured/want - 1); off > worst {
			worst, e.Worst = off, fmt.Sprintf("T = %d, ρ = %v: measured %.3f %v, exact %.3f", s.t, s.rho.RatString(), r.Measured, r.CI, want)
		}
		if s.t == 2 {
			name := "ρ = " + s.rho.RatString()
			figure.Series = append(figure.Series, verify.Series{Name: name + ", exact"}, verify.Series{Name: name + ", measured", Points: true})
		}
		line, points := &figure.Series[len(figure.Series)-2], &figure.Series[len(figure.Series)-1]
		line.X, line.Y = append(line.X, float64(s.t)), append(line.Y, want)
		points.X, points.Y = append(points.X, float64(s.t)), append(points.Y, r.Measured)
		points.Low, points.High = append(points.Low, r.CI.Low), append(points.High, r.CI.High)
		if effort.Progress != nil {
			effort.Progress(float64(i+1) / float64(len(all)+1))
		}
	}
	e.Figures = append(e.Figures, figure)
	// Power: the same test on a ratio that is 10 % off.
	p := exact.Markov(4, big.NewRat(1, 4))
	source := newTabular(p, members, k)
	source.fault = f
	alarm, m, _, err := agrees(ctx, source, effort.Rand(3), .9*exactRatio(p, members), Alpha, plantedSamples)
	if err != nil {
		return outOfRange(err)
	}
	e.Checks += int(m.n)
	e.Power = fmt.Sprintf("a ratio 10 %% off was found after %.0f samples (limit %d)", m.n, plantedSamples)
	if !alarm {
		e.Status, e.Worst = verify.Broken, fmt.Sprintf("a ratio 10 %% off was not found in %.0f samples", m.n)
	}
	return e, nil
}
