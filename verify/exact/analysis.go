package exact

import "math/big"

// Analysis holds the moments of a process that the estimators' variances are made of. Steps are indexed from 0.
type Analysis struct {
	// Steps is T.
	Steps int
	// Return is Var(G), from the list of trajectories.
	Return *big.Rat
	// Reward[t] is Var(r_t) and ToGo[t] is Var(G_t), from the list of trajectories.
	Reward, ToGo []*big.Rat
	// Covariance is the total covariance Σ_{s≠s'} Cov(r_s, r_s') = Var(G) − Σ_t Var(r_t).
	Covariance *big.Rat
	// Within[t] is E[Var(r_t | τ_<t)] and Between[t] is Var(E[r_t | τ_<t]), from the decision points.
	Within, Between []*big.Rat
	// Policy[t] is E[Var(Q(τ_<t, a_t) | τ_<t)], what the choice at step t adds to Var(G), and Search[t] is
	// E[Var(V(τ_<t+1) | τ_<t, a_t)], what the documents found at step t add; from the decision points.
	Policy, Search []*big.Rat
}

// Analyse computes the moments by enumeration.
func (p *Process) Analyse() *Analysis {
	a := &Analysis{Steps: p.Steps()}
	trajectories := p.Trajectories()
	ps, xs := make([]*big.Rat, len(trajectories)), make([]*big.Rat, len(trajectories))
	togo := make([]*big.Rat, len(trajectories))
	for i := range trajectories {
		ps[i], togo[i] = trajectories[i].P, new(big.Rat)
	}
	law := common(ps)
	a.Reward, a.ToGo = make([]*big.Rat, a.Steps), make([]*big.Rat, a.Steps)
	for t := a.Steps - 1; t >= 0; t-- {
		for i := range trajectories {
			xs[i] = zero
			if t < len(trajectories[i].Rewards) {
				xs[i] = trajectories[i].Rewards[t]
				togo[i].Add(togo[i], xs[i])
			}
		}
		_, a.Reward[t] = law.moments(xs)
		_, a.ToGo[t] = law.moments(togo)
	}
	a.Return = a.ToGo[0]
	a.Covariance = new(big.Rat).Sub(a.Return, Sum(a.Reward))
	a.points(p.Points())
	return a
}

func (a *Analysis) points(points []Point) {
	means := make([][]*big.Rat, a.Steps)
	reach := make([][]*big.Rat, a.Steps)
	for _, s := range []*[]*big.Rat{&a.Within, &a.Between, &a.Policy, &a.Search} {
		*s = make([]*big.Rat, a.Steps)
		for t := range *s {
			(*s)[t] = new(big.Rat)
		}
	}
	term := new(big.Rat)
	for i := range points {
		pt := &points[i]
		t := pt.Step
		means[t], reach[t] = append(means[t], pt.Mean), append(reach[t], pt.Reach)
		a.Within[t].Add(a.Within[t], term.Mul(pt.Reach, pt.Var))
		a.Search[t].Add(a.Search[t], term.Mul(pt.Reach, pt.Noise))
		a.Policy[t].Add(a.Policy[t], term.Mul(pt.Reach, pt.varQ()))
	}
	for t := range means {
		_, a.Between[t] = Moments(reach[t], means[t])
	}
}

func (p *Point) varQ() *big.Rat {
	ps := make([]*big.Rat, len(p.Q))
	for i := range ps {
		ps[i] = p.Node.Actions[i].P
	}
	_, v := Moments(ps, p.Q)
	return v
}

// Full is Var of the full-trajectory estimator with mean-centred groups of k: (1 − 1/k) Var(G).
func (a *Analysis) Full(k int) *big.Rat { return Centred(k, a.Return) }

// RewardToGo is Var of the reward-to-go estimator at step t: (1 − 1/k) Var(G_t).
func (a *Analysis) RewardToGo(k, t int) *big.Rat { return Centred(k, a.ToGo[t]) }

// Truncated is Var of the truncated estimator at step t, its prefix drawn from the policy and shared by the group:
// (1 − 1/k) E[Var(r_t | τ_<t)]. It is the variance at step t whether or not the trajectory gets there (0 if not).
func (a *Analysis) Truncated(k, t int) *big.Rat { return Centred(k, a.Within[t]) }

// Centred is the variance of z_1 − z̄ for k independent z of the given variance: (1 − 1/k) Var(z).
func Centred(k int, variance *big.Rat) *big.Rat {
	return new(big.Rat).Mul(big.NewRat(int64(k-1), int64(k)), variance)
}

// Sum adds up xs.
func Sum(xs []*big.Rat) *big.Rat {
	s := new(big.Rat)
	for _, x := range xs {
		s.Add(s, x)
	}
	return s
}

var zero = new(big.Rat)
