package exact

import "math/big"

// Groups calls f with every ordered group of k independent draws from a law with the probabilities p: group[j] is the index
// of member j, and the probability is the product of the members'. That is len(p)^k calls; f must not keep what it is given.
func Groups(p []*big.Rat, k int, f func(probability *big.Rat, group []int)) {
	group := make([]int, k)
	at := make([]*big.Rat, k+1) // at[j] is the probability of the first j members
	for j := range at {
		at[j] = new(big.Rat)
	}
	at[0].Set(one)
	var draw func(j int)
	draw = func(j int) {
		if j == k {
			f(at[k], group)
			return
		}
		for i := range p {
			group[j] = i
			at[j+1].Mul(at[j], p[i])
			draw(j + 1)
		}
	}
	draw(0)
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
// softmax(A/η) of mean-centred advantages (the mean cancels), so a rational base makes it exact: base 4 is
// η = 1/ln 4 = 0.72. All rewards of the node must be whole numbers; base 1 is uniform selection.
//
// For standardised advantages the weights are irrational, and there is no exact form.
func Selected(n *Node, k int, base *big.Rat) []*big.Rat {
	p, weight := make([]*big.Rat, len(n.Actions)), make([]*big.Rat, len(n.Actions))
	least := n.Actions[0].Reward
	for i := range n.Actions {
		p[i] = n.Actions[i].P
		if n.Actions[i].Reward.Cmp(least) < 0 {
			least = n.Actions[i].Reward
		}
	}
	for i := range n.Actions {
		weight[i] = new(big.Rat).Set(one)
		above := new(big.Rat).Sub(n.Actions[i].Reward, least)
		for range new(big.Int).Quo(above.Num(), above.Denom()).Int64() {
			weight[i].Mul(weight[i], base)
		}
	}
	out := make([]*big.Rat, len(p))
	for i := range out {
		out[i] = new(big.Rat)
	}
	total, share := new(big.Rat), new(big.Rat)
	Groups(p, k, func(probability *big.Rat, group []int) {
		total.SetInt64(0)
		for _, i := range group {
			total.Add(total, weight[i])
		}
		for _, i := range group {
			out[i].Add(out[i], share.Quo(share.Mul(probability, weight[i]), total))
		}
	})
	return out
}

// UnderSelection returns the process with the law of SLATE's prefixes: at each decision point the next prefix is one of k
// candidates by [Selected]. What is drawn at a prefix is not changed by it; compare with p point by point.
func (p *Process) UnderSelection(k int, base *big.Rat) *Process {
	laws := map[*Node][]*big.Rat{}
	return p.Map(func(_ int, n *Node, i int, a *Action) {
		if laws[n] == nil {
			laws[n] = Selected(n, k, base)
		}
		a.P = laws[n][i]
	})
}
