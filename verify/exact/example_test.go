package exact_test

import (
	"context"
	"fmt"
	"math/big"
	"math/rand/v2"

	"searchrl/qa"
	"searchrl/rollout"
	"searchrl/verify/exact"
)

// Rewards ±1 that repeat with probability 3/4: whole trajectories vary more than T times as much as steps.
func ExampleProcess_Analyse() {
	p := exact.Markov(2, big.NewRat(1, 2))
	fmt.Print(p)
	a := p.Analyse()
	fmt.Println("Var(G):", a.Return.RatString())
	fmt.Println("E[Var(r_t | prefix)]:", a.Within[0].RatString(), a.Within[1].RatString())
	fmt.Println("V_full, k = 5:", a.Full(5).RatString())
	// Output:
	// question
	// ├─ 1/2: reward 1
	// │  ├─ 3/4: reward 1   G = 2
	// │  └─ 1/4: reward -1   G = 0
	// └─ 1/2: reward -1
	//    ├─ 1/4: reward 1   G = 0
	//    └─ 3/4: reward -1   G = -2
	// Var(G): 3
	// E[Var(r_t | prefix)]: 1 3/4
	// V_full, k = 5: 12/5
}

// The same process under the agent loop that a transformer runs in.
func ExampleNewEnv() {
	env, err := exact.NewEnv(exact.Markov(2, big.NewRat(1, 2)))
	if err != nil {
		fmt.Println(err)
		return
	}
	trees, err := env.Rollout(context.Background(), []qa.Question{env.Question}, 1, rollout.Sampling{Temperature: 1}, rand.New(rand.NewPCG(1, 1)))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(rollout.FormatTrajectory(trees[0], 0))
	trajectory, _, err := env.Follow(trees[0].PathTokens(trees[0].Trajectories[0].Leaf))
	fmt.Println("probability", trajectory.P.RatString(), "rewards", trajectory.Floats(), err)
	// Output:
	// question   Which way?
	// think      1
	// query      1 0
	// documents  0
	// think      1
	// answer     wrong
	// end        answered: 2 turns, 1 search, 0 invalid actions, reward 0
	// probability 3/8 rewards [-1 -1] <nil>
}
