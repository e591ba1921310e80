package exact

import "math/big"

// Groups calls f with every ordered group of k independent draws from a law with the probabilities p: group[j] is the index
// of member j, and the group's probability, the product of the members', is mass/whole. (Sums of whole numbers need no greatest
// common divisors.) That is len(p)^k calls; f must not keep what it is given.
func Groups(p []*big.Rat, k int, f func(mass *big.Int, group []int)) (whole *big.Int) {
	law := common(p)
	law.large()
	group := make([]int, k)
	at := make([]big.Int, k+1) // at[j] is the mass of the first j members
	at[0].SetInt64(1)
	var draw func(j int)
	draw = func(j int) {
		if j == k {
			f(&at[k], group)
			return
		}
		for i := range p {
			group[j] = i
			at[j+1].Mul(&at[j], &law.over[i])
			draw(j + 1)
		}
	}
	draw(0)
	return new(big.Int).Exp(&law.by, big.NewInt(int64(k)), nil)
}

// Equal is the probability that k independent draws of a reward are all equal, where value[i] has probability p[i]: a group
// without signal. A standardised advantage has E[A²] = (1 − 1/k)·(1 − Equal), up to ε: the squares of a group with signal
// always add up to k−1.
func Equal(p, value []*big.Rat, k int) *big.Rat {
	total := new(big.Rat)
	seen := make([]bool, len(p))
	for i := range p {
		if seen[i] {
			continue
		}
		same := new(big.Rat)
		for j := i; j < len(p); j++ {
			if value[j].Cmp(value[i]) == 0 {
				seen[j] = true
				same.Add(same, p[j])
			}
		}
		power := new(big.Rat).Set(one)
		for range k {
			power.Mul(power, same)
		}
		total.Add(total, power)
	}
	return total
}

// Selected returns the probability with which each action of a decision point becomes the next prefix when k candidates are
// drawn from the policy and one of them is selected with probability proportional to base^r. With base = e^{1/η} that is
// softmax(A/η) of mean-centred advantages (the mean cancels), so a whole base makes it exact: base 4 is η = 1/ln 4 = 0.72.
// All rewards of the node must be whole numbers, few enough apart that k·base^difference is an int64; base 1 is uniform selection.
//
// For standardised advantages the weights are irrational, and there is no exact form.
func Selected(n *Node, k int, base int64) []*big.Rat {
	p, weight := make([]*big.Rat, len(n.Actions)), make([]int64, len(n.Actions))
	least := n.Actions[0].Reward
	for i := range n.Actions {
		p[i] = n.Actions[i].P
		if n.Actions[i].Reward.Cmp(least) < 0 {
			least = n.Actions[i].Reward
		}
	}
	for i := range n.Actions {
		weight[i] = 1
		above := new(big.Rat).Sub(n.Actions[i].Reward, least)
		for range new(big.Int).Quo(above.Num(), above.Denom()).Int64() {
			weight[i] *= base
		}
	}
	// A group whose weights add up to w selects a member with its weight over w: sums[w][i] is what action i gets, before w
	// and the whole mass are divided by.
	sums := map[int64][]big.Int{}
	var part, factor big.Int
	whole := Groups(p, k, func(mass *big.Int, group []int) {
		w := int64(0)
		for _, i := range group {
			w += weight[i]
		}
		if sums[w] == nil {
			sums[w] = make([]big.Int, len(p))
		}
		for _, i := range group {
			sums[w][i].Add(&sums[w][i], part.Mul(mass, factor.SetInt64(weight[i])))
		}
	})
	out := make([]*big.Rat, len(p))
	for i := range out {
		out[i] = new(big.Rat)
		for w := range sums {
			out[i].Add(out[i], new(big.Rat).SetFrac(&sums[w][i], part.Mul(whole, factor.SetInt64(w))))
		}
	}
	return out
}

// UnderSelection returns the process with the law of SLATE's prefixes: at each decision point the next prefix is one of k
// candidates by [Selected]. What is drawn at a prefix is not changed by it; compare with p point by point.
func (p *Process) UnderSelection(k int, base int64) *Process {
	laws := map[*Node][]*big.Rat{}
	return p.Map(func(_ int, n *Node, i int, a *Action) {
		if laws[n] == nil {
			laws[n] = Selected(n, k, base)
		}
		a.P = laws[n][i]
	})
}
