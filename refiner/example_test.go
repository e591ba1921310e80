package refiner_test

import (
	"context"
	"fmt"
	"testing"

	"searchrl/qa"
	"searchrl/rollout"
)

// A draft strays after its first step. The refiner cuts there, and the actor goes on from what was kept.
func ExampleMethod() {
	env, searcher := environment(&testing.T{}, turns(" revise 2</decision>", weather, mayor))
	m := method(nil)
	m.Group = 1
	trees, _, err := m.Collect(context.Background(), env, []qa.Question{lunia}, seeded())
	if err != nil {
		fmt.Println(err)
		return
	}
	tree := trees[0]
	for i := range tree.Segments {
		if tree.Segments[i].Kind == rollout.Decision {
			fmt.Print(rollout.Format(tree, i))
		}
	}
	fmt.Println()
	fmt.Print(rollout.FormatTrajectory(tree, 0))
	fmt.Println("searches executed:", len(searcher.Queries))
	// Output:
	// question   Who runs the capital of Lunia?
	// think      I need the capital.
	// query      capital of Lunia
	// documents  The capital of Lunia is Marrow.
	// think      Hm.
	// query      weather
	// documents  The weather is fine.
	// think      I guess.
	// answer     Bo
	// review     Review:
	//            Step 1: searched for capital of Lunia
	//            Step 2: searched for weather
	//            Step 3: answered Bo
	//            <decision>
	// decision   revise 2
	//
	// question   Who runs the capital of Lunia?
	// think      I need the capital.
	// query      capital of Lunia
	// documents  The capital of Lunia is Marrow.
	// think      Now the mayor.
	// query      mayor of Marrow
	// documents  The mayor of Marrow is Ada.
	// think      There it is.
	// answer     Ada
	// end        answered: 3 turns, 2 searches, 0 invalid actions, reward 1
	// searches executed: 3
}
