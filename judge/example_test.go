package judge_test

import (
	"context"
	"fmt"

	"searchrl/judge"
	"searchrl/judge/tinyjudge"
	"searchrl/qa"
	"searchrl/tinyworld"
)

// The thoughts and queries of tinyworld are judged exactly, the answers by exact match.
func ExampleCombine() {
	world, err := tinyworld.New(tinyworld.Standard, tinyworld.Seed(tinyworld.Test, 0))
	if err != nil {
		panic(err)
	}
	answers, err := judge.NewAnswers(judge.EM)
	if err != nil {
		panic(err)
	}
	j, err := judge.Combine(tinyjudge.New(world), answers)
	if err != nil {
		panic(err)
	}
	question := qa.Question{Text: "Which company is the owner of Zenith?", Answers: []string{"Ironvale"}}
	verdicts, err := j.Judge(context.Background(), []judge.Step{
		{Question: question, Thought: "I need the owner of Zenith.", Query: "owner of Zenith"},
		{Question: question, Thought: "I need the owner.", Query: "owner"},
		{Question: question, Thought: "I know the answer.", Answer: "Ironvale", IsAnswer: true},
	})
	if err != nil {
		panic(err)
	}
	for _, v := range verdicts {
		fmt.Printf("%+g %s\n%+g %s (%s)\n", v.Thought.Value, v.Thought.Reason, v.Action.Value, v.Action.Reason, v.Action.Source)
	}
	// Output:
	// +1 names what is needed: the owner of Zenith
	// +1 asks for what is needed: the owner of Zenith (tinyworld)
	// +0 names a part of what is needed: the owner of Zenith
	// -1 does not say of what the owner is needed (tinyworld)
	// -1 says that the answer is known, but needs the owner of Zenith
	// +1 em 1 (em)
}
