package mixture_test

import (
	"fmt"
	"math/big"
	"math/rand/v2"

	"searchrl/verify/exact"
	"searchrl/verify/mixture"
)

// A question that is answered wrong (reward 0) or right (reward 1), each with probability 1/2, and a refiner that accepts right
// answers alone and has wrong ones written anew: rejection sampling. One round is worth 1/4, all of it by acceptance.
func ExampleDecompose() {
	half := big.NewRat(1, 2)
	p := &exact.Process{Root: &exact.Node{Actions: []exact.Action{{P: half, Reward: new(big.Rat)}, {P: half, Reward: big.NewRat(1, 1)}}}}
	c := mixture.DrawCase(exact.Random(rand.New(rand.NewPCG(1, 1))), p, mixture.Any) // of one step: there is one place to cut
	c.Accept = []*big.Rat{new(big.Rat), big.NewRat(1, 1)}
	terms := mixture.Decompose(c)
	fmt.Println("A_prec", terms.Accepting.RatString(), "V_inter", terms.Revising.RatString(), "S_trim", terms.Trimming.RatString())
	fmt.Println("gain", terms.Gain().RatString())
	fmt.Println("answers after one round:", mixture.Law(c)[0].RatString(), "wrong,", mixture.Law(c)[1].RatString(), "right")
	// Output:
	// A_prec 1/4 V_inter 1/2 S_trim 0
	// gain 1/4
	// answers after one round: 1/4 wrong, 3/4 right
}
