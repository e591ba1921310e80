package slate_test

import (
	"context"
	"fmt"
	"testing"

	"searchrl/qa"
	"searchrl/slate"
)

// One decision point with three candidates: all of them get advantages, one goes on.
func ExampleMethod() {
	env, _ := environment(&testing.T{}, map[string][]string{asks: {good, vague, wrong}, found: {right}})
	m := slate.Paper(opinions())
	m.Candidates, m.Next = 3, slate.Best
	trees, metrics, err := m.Collect(context.Background(), env, []qa.Question{lunia}, seeded())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(transcript(trees[0]))
	fmt.Println("scores consumed:", metrics[slate.MetricLabels])
	// Output:
	// after prompt "Question: What is the capital of Lunia?"
	// * query  "capital of Lunia" thought +1 (table), query +1 (table): r = +2, A = +0.805
	//   query  "Lunia"            thought +1 (table), query +0 (table): r = +1, A = +0.315
	//   answer "Dole"             thought -1 (table), answer -1 (table), early +0.075 (rule): r = -1.93, A = -1.119
	// after documents "<information>Doc 1(Title: Lunia) The capital of Lunia is Marrow.</information>"
	// * answer "Marrow"           thought +1 (table), answer +1 (table), early +0.05 (rule): r = +2.05, A = +0.000
	//   answer "Marrow"           thought +1 (table), answer +1 (table), early +0.05 (rule): r = +2.05, A = +0.000
	//   answer "Marrow"           thought +1 (table), answer +1 (table), early +0.05 (rule): r = +2.05, A = +0.000
	// scores consumed: 12
}
