package tinyworld_test

import (
	"context"
	"fmt"
	"math/rand/v2"

	"searchrl/rollout"
	"searchrl/tinyworld"
)

func Example() {
	world, err := tinyworld.New(tinyworld.Standard, tinyworld.Seed(tinyworld.Test, 0))
	if err != nil {
		panic(err)
	}
	question := world.Questions(rand.New(rand.NewPCG(1, 1)), 1)[0]
	fmt.Println(question.Text, question.Answers[0])
	chain, err := tinyworld.ParseQuestion(question.Text)
	if err != nil {
		panic(err)
	}
	facts, err := world.Facts(chain)
	if err != nil {
		panic(err)
	}
	for _, fact := range facts {
		fmt.Println(fact.Sentence())
	}
	// Output:
	// Which city is the birthplace of the chief of the owner of Zenith? Halvora
	// The owner of Zenith is Ironvale.
	// The chief of Ironvale is Lemaire.
	// The birthplace of Lemaire is Halvora.
}

// The oracle asks for one fact after the other. It is a policy like any other, so it goes through the same agent loop.
func ExampleWorld_Oracle() {
	world, err := tinyworld.New(tinyworld.Hard, tinyworld.Seed(tinyworld.Test, 0))
	if err != nil {
		panic(err)
	}
	tok, err := tinyworld.Tokenizer(tinyworld.Hard)
	if err != nil {
		panic(err)
	}
	report, err := tinyworld.Examine(context.Background(), world, tinyworld.NewAgent(tok, world.Oracle()), 5, 1, rollout.Sampling{})
	if err != nil {
		panic(err)
	}
	fmt.Print(rollout.FormatTrajectory(report.Trees[4], 0))
	// Output:
	// question   Which city is the birthplace of the boss of the mentor of the mayor of Port Corvale?
	// think      I need the chronicle of Port Corvale.
	// query      chronicle of Port Corvale
	// documents  Chronicle of Port Corvale: governed by Leo Haddad, who was taught by Dario Eriksen, who works for Acme Foods. Chronicle of Old Corvale: governed by Clara Dragan, who was taught by Bruno Castell, who works for Cinder Motors.
	// think      I need the boss of Dario Eriksen.
	// query      boss of Dario Eriksen
	// documents  The boss of Dario Eriksen is Felix Galvin. The age of Dario Eriksen is sixty. The boss of Dario Mbeki is Hugo Eriksen.
	// think      I need the birthplace of Felix Galvin.
	// query      birthplace of Felix Galvin
	// documents  The birthplace of Felix Galvin is Old Eskelund. The age of Felix Galvin is sixty. The boss of Jonas Galvin is Felix Kovac. The birthplace of Jonas Galvin is Old Halvora.
	// think      I know the answer.
	// answer     Old Eskelund
	// end        answered: 4 turns, 3 searches, 0 invalid actions, reward 0
}
