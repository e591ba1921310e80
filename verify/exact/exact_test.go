package exact_test

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"searchrl/verify/exact"
)

// rapidly lets rapid draw the integers, so that it shrinks the process.
type rapidly struct{ *rapid.T }

func (r rapidly) Int(label string, min, max int) int {
	return rapid.IntRange(min, max).Draw(r.T, label)
}

var small = exact.Shape{Steps: 4, Actions: 3, Documents: 2, Nodes: 12}

func rat(a, b int64) *big.Rat { return big.NewRat(a, b) }

func equal(t require.TestingT, want, got *big.Rat, msg ...any) {
	require.Equal(t, want.RatString(), got.RatString(), msg...)
}

// TestDrawn: what is drawn is a process of the shape asked for, and its trajectories have a total probability of one.
func TestDrawn(t *testing.T) {
	for _, same := range []bool{false, true} {
		rapid.Check(t, func(t *rapid.T) {
			shape := exact.Shape{Steps: 5, Actions: 4, Documents: 3, Nodes: 30, SameLength: same, Whole: same}
			p := exact.Draw(rapidly{t}, shape)
			require.NoError(t, p.Validate())
			require.LessOrEqual(t, p.Steps(), 5)
			if same {
				require.True(t, p.SameLength())
			}
			require.LessOrEqual(t, len(p.Points()), 30)
			total := new(big.Rat)
			for _, tr := range p.Trajectories() {
				require.Positive(t, tr.P.Sign())
				total.Add(total, tr.P)
				for i, f := range tr.Floats() {
					equal(t, tr.Rewards[i], new(big.Rat).SetFloat64(f), "rewards are exact in float64")
				}
			}
			equal(t, rat(1, 1), total)
		})
	}
	short, long := 0, 0
	for seed := range uint64(200) {
		if exact.Draw(exact.Random(rand.New(rand.NewPCG(seed, 0))), small).SameLength() {
			long++
		} else {
			short++
		}
	}
	require.Greater(t, short, 20, "trajectories of different lengths occur")
	require.Greater(t, long, 20)
}

// TestMomentsByHand: a coin that pays 0 or 1; after 1 a search that brings a document with one more reward or one with none.
func TestMomentsByHand(t *testing.T) {
	pay := func(r int64) *exact.Node {
		return &exact.Node{Actions: []exact.Action{{P: rat(1, 1), Reward: rat(r, 1)}}}
	}
	p := &exact.Process{Root: &exact.Node{Actions: []exact.Action{
		{P: rat(1, 2), Reward: rat(0, 1)},
		{P: rat(1, 2), Reward: rat(1, 1), Documents: []exact.Document{{P: rat(1, 4), Next: pay(1)}, {P: rat(3, 4), Next: pay(0)}}},
	}}}
	require.NoError(t, p.Validate())
	require.Equal(t, 2, p.Steps())
	a := p.Analyse()
	// G is 0, 2 and 1 with 1/2, 1/8 and 3/8: E G = 5/8, E G² = 7/8.
	equal(t, rat(7*8-25, 64), a.Return)
	equal(t, rat(1, 4), a.Reward[0])
	equal(t, rat(7, 64), a.Reward[1])
	equal(t, rat(0, 1), a.Within[1])
	equal(t, rat(7, 64), a.Between[1])
	equal(t, rat(25, 64), a.Policy[0], "Q is 0 or 5/4")
	equal(t, rat(3, 32), a.Search[0], "half of 3/16")
	equal(t, rat(7*8-25, 128), a.Full(2))
	points := p.Points()
	require.Len(t, points, 3)
	equal(t, rat(5, 8), points[0].V)
	equal(t, rat(5, 4), points[0].Q[1])
	equal(t, rat(1, 8), points[1].Reach)
	equal(t, rat(-1, 8), points[0].Bias(1), "1/2 now, 5/8 with what follows")
}

// TestPointsTwin computes Within, V and Q a second time from the list of trajectories, by conditional sums.
func TestPointsTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := exact.Draw(rapidly{t}, small)
		trajectories := p.Trajectories()
		var visit func(n *exact.Node, through []exact.Trajectory, step int)
		points := p.Points()
		visit = func(n *exact.Node, through []exact.Trajectory, step int) {
			pt := points[0]
			points = points[1:]
			require.Same(t, n, pt.Node)
			require.Equal(t, step, pt.Step)
			mass, v, r, rr := new(big.Rat), new(big.Rat), new(big.Rat), new(big.Rat)
			q, taken := make([]*big.Rat, len(n.Actions)), make([]*big.Rat, len(n.Actions))
			for i := range q {
				q[i], taken[i] = new(big.Rat), new(big.Rat)
			}
			add := func(to, p, x *big.Rat) { to.Add(to, new(big.Rat).Mul(p, x)) }
			for _, tr := range through {
				mass.Add(mass, tr.P)
				add(v, tr.P, tr.ToGo(step))
				add(r, tr.P, tr.Rewards[step])
				add(rr, tr.P, new(big.Rat).Mul(tr.Rewards[step], tr.Rewards[step]))
				taken[tr.Actions[step]].Add(taken[tr.Actions[step]], tr.P)
				add(q[tr.Actions[step]], tr.P, tr.ToGo(step))
			}
			equal(t, mass, pt.Reach)
			over := func(x, y *big.Rat) *big.Rat { return new(big.Rat).Quo(x, y) }
			equal(t, over(v, mass), pt.V)
			equal(t, over(r, mass), pt.Mean)
			equal(t, new(big.Rat).Sub(over(rr, mass), new(big.Rat).Mul(pt.Mean, pt.Mean)), pt.Var)
			for i := range q {
				equal(t, over(q[i], taken[i]), pt.Q[i])
				for d, doc := range n.Actions[i].Documents {
					var rest []exact.Trajectory
					for _, tr := range through {
						if tr.Actions[step] == i && tr.Documents[step] == d {
							rest = append(rest, tr)
						}
					}
					visit(doc.Next, rest, step+1)
				}
			}
		}
		visit(p.Root, trajectories, 0)
		require.Empty(t, points)
	})
}

func TestBuiltProcesses(t *testing.T) {
	law := exact.Law{P: []*big.Rat{rat(1, 3), rat(2, 3)}, Reward: []*big.Rat{rat(-1, 1), rat(1, 1)}}
	a := exact.Independent([]exact.Law{law, law, law}).Analyse()
	equal(t, rat(8, 3), a.Return)
	equal(t, rat(8, 9), a.Within[2])
	equal(t, rat(0, 1), a.Covariance)

	rho := rat(1, 2)
	m := exact.Markov(3, rho)
	require.NoError(t, m.Validate())
	a = m.Analyse()
	equal(t, rat(11, 2), a.Return, "3 + 2·(1/2 + 1/2 + 1/4)")
	equal(t, rat(3, 4), a.Within[1])
	require.NoError(t, exact.Markov(4, rat(1, 1)).Validate(), "no action of probability 0")
	equal(t, rat(0, 1), exact.Markov(2, rat(-1, 1)).Analyse().Return)

	noisy := m.WithJudgeNoise(rat(1, 2))
	require.NoError(t, noisy.Validate())
	equal(t, rat(11*2+3, 4), noisy.Analyse().Return)
}

func TestGroups(t *testing.T) {
	total, n := new(big.Int), 0
	whole := exact.Groups([]*big.Rat{rat(1, 3), rat(2, 3)}, 3, func(mass *big.Int, group []int) {
		n++
		total.Add(total, mass)
		if group[0] == 1 && group[1] == 1 && group[2] == 0 {
			require.Equal(t, big.NewInt(4), mass)
		}
	})
	require.Equal(t, 8, n)
	require.Equal(t, big.NewInt(27), whole)
	require.Equal(t, whole, total)
	p := []*big.Rat{rat(1, 3), rat(1, 6), rat(1, 2)}
	equal(t, rat(1, 2), exact.Equal(p, []*big.Rat{rat(1, 1), rat(1, 1), rat(0, 1)}, 2))
}

// TestSelected: by hand for k = 2; uniform selection leaves the policy's law; the best of very many candidates is the best.
func TestSelected(t *testing.T) {
	n := &exact.Node{Actions: []exact.Action{{P: rat(1, 2), Reward: rat(0, 1)}, {P: rat(1, 2), Reward: rat(1, 1)}}}
	// Both 0: 1/4. Both 1: 1/4. One of each, 1/2: the better one with 3/4.
	q := exact.Selected(n, 2, 3)
	equal(t, rat(1, 4).Add(rat(1, 4), rat(1, 8)), q[0])
	equal(t, rat(5, 8), q[1])
	q = exact.Selected(n, 3, 1)
	equal(t, rat(1, 2), q[0])
	p := &exact.Process{Root: n}
	equal(t, rat(5, 8), p.UnderSelection(2, 3).Root.Actions[1].P)
	equal(t, rat(1, 2), n.Actions[1].P, "the process itself is not changed")
}

func TestInvalidProcesses(t *testing.T) {
	end := func(p ...*big.Rat) *exact.Node {
		n := &exact.Node{}
		for _, p := range p {
			n.Actions = append(n.Actions, exact.Action{P: p, Reward: rat(0, 1)})
		}
		return n
	}
	long := end(rat(1, 1))
	for range 5 {
		long = &exact.Node{Actions: []exact.Action{{P: rat(1, 1), Reward: rat(0, 1), Documents: []exact.Document{{P: rat(1, 1), Next: long}}}}}
	}
	leads := func(p *big.Rat, next *exact.Node) *exact.Node {
		return &exact.Node{Actions: []exact.Action{{P: rat(1, 1), Reward: rat(0, 1), Documents: []exact.Document{{P: p, Next: next}}}}}
	}
	for want, root := range map[string]*exact.Node{
		"no root": nil, "has no action": end(), "total probability of 1/2": end(rat(1, 2)), "positive probability and a reward": end(rat(3, 2), rat(-1, 2)),
		"step 6": long, "documents of action 0 at step 1 have a total": leads(rat(1, 2), end(rat(1, 1))), "document 0": leads(rat(0, 1), end(rat(1, 1))),
		"9 actions": end(make([]*big.Rat, 9)...),
	} {
		require.ErrorContains(t, (&exact.Process{Root: root}).Validate(), want)
	}
}

// TestMomentsTwin: the sums over one denominator against plain sums of fractions.
func TestMomentsTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 6).Draw(t, "n")
		p, x := make([]*big.Rat, n), make([]*big.Rat, n)
		mean, square := new(big.Rat), new(big.Rat)
		for i := range p {
			p[i] = rat(rapid.Int64Range(0, 30).Draw(t, "p"), rapid.Int64Range(1, 40).Draw(t, "of"))
			x[i] = rat(rapid.Int64Range(-30, 30).Draw(t, "x"), rapid.Int64Range(1, 40).Draw(t, "by"))
			term := new(big.Rat).Mul(p[i], x[i])
			mean.Add(mean, term)
			square.Add(square, term.Mul(term, x[i]))
		}
		gotMean, gotVariance := exact.Moments(p, x)
		equal(t, mean, gotMean)
		equal(t, square.Sub(square, new(big.Rat).Mul(mean, mean)), gotVariance)
	})
}

// TestMomentsOfLargeNumbers: numbers that do not fit into machine words, or whose sums do not, against the same twin.
func TestMomentsOfLargeNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 4).Draw(t, "n")
		p, x := make([]*big.Rat, n), make([]*big.Rat, n)
		mean, square := new(big.Rat), new(big.Rat)
		for i := range p {
			p[i] = rat(rapid.Int64Range(0, 1<<40).Draw(t, "p"), rapid.SampledFrom([]int64{1, 3, 1<<31 - 1, 1 << 31, 1 << 45}).Draw(t, "of"))
			x[i] = rat(rapid.Int64Range(-1<<62, 1<<62).Draw(t, "x")>>rapid.IntRange(0, 62).Draw(t, "shift"), rapid.Int64Range(1, 1<<33).Draw(t, "by"))
			term := new(big.Rat).Mul(p[i], x[i])
			mean.Add(mean, term)
			square.Add(square, term.Mul(term, x[i]))
		}
		gotMean, gotVariance := exact.Moments(p, x)
		equal(t, mean, gotMean)
		equal(t, square.Sub(square, new(big.Rat).Mul(mean, mean)), gotVariance)
	})
}
