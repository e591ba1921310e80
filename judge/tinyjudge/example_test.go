package tinyjudge_test

import (
	"context"
	"fmt"

	"searchrl/judge"
	"searchrl/judge/tinyjudge"
	"searchrl/qa"
	"searchrl/retrieval"
	"searchrl/tinyworld"
)

// What a step is worth depends on what the documents have shown: the first fact of the chain that is not known is the target.
func ExampleJudge() {
	world, err := tinyworld.New(tinyworld.Standard, tinyworld.Seed(tinyworld.Test, 0))
	if err != nil {
		panic(err)
	}
	question := qa.Question{Text: "Who is the mayor of the seat of Ironvale?"}
	shown := []judge.Past{{
		Thought: "I need the seat of Ironvale.", Query: "seat of Ironvale",
		Documents: []retrieval.Hit{{Document: retrieval.Document{ID: "1", Text: "The seat of Ironvale is Stavrin."}}},
	}}
	verdicts, err := tinyjudge.New(world).Judge(context.Background(), []judge.Step{
		{Question: question, Thought: "I need the seat of Ironvale.", Query: "seat of Ironvale"},
		{Question: question, Thought: "I need the seat of Ironvale.", Query: "Ironvale"},
		{Question: question, Past: shown, Thought: "I need the seat of Ironvale.", Query: "seat of Ironvale"},
		{Question: question, Past: shown, Thought: "I need the mayor of Stavrin.", Query: "mayor of Stavrin"},
	})
	if err != nil {
		panic(err)
	}
	for _, v := range verdicts {
		fmt.Printf("%+g %s; %+g %s\n", v.Thought.Value, v.Thought.Reason, v.Action.Value, v.Action.Reason)
	}
	// Output:
	// +1 names what is needed: the seat of Ironvale; +1 asks for what is needed: the seat of Ironvale
	// +1 names what is needed: the seat of Ironvale; +0 asks for a part of what is needed: the seat of Ironvale
	// +0 names the seat of Ironvale, which is known; -1 was searched for before
	// +1 names what is needed: the mayor of Stavrin; +1 asks for what is needed: the mayor of Stavrin
}
