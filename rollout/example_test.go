package rollout_test

import (
	"context"
	"fmt"
	"math/rand/v2"

	"searchrl/internal/scripted"
	"searchrl/qa"
	"searchrl/retrieval"
	"searchrl/rollout"
)

// An agent that follows a script answers one question with one search.
func ExampleEnv_Rollout() {
	tokenizer, err := scripted.NewTokenizer([]string{"<think", "<search", "<answer", "think", "search", "answer", "</"}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	books, err := retrieval.NewBM25([]retrieval.Document{
		{ID: "noor", Title: "Vela Noor", Text: "Vela Noor was a composer, born in Tarn."},
		{ID: "ilm", Title: "Ilm", Text: "The Ilm is a river."},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	prompt := "Question: Where was Vela Noor born?\n"
	policy := &scripted.Policy{Tokenizer: tokenizer, Say: scripted.Turns(prompt,
		"<think>I should look it up.</think><search>birthplace of Vela Noor</search>",
		"<think>The document says it.</think><answer>Tarn</answer>",
	)}
	protocol := rollout.Bare()
	protocol.MaxStepTokens, protocol.MaxDocTokens = 100, 200
	env := &rollout.Env{Policy: policy, Searcher: books, Tokenizer: tokenizer, Protocol: protocol}

	question := qa.Question{ID: "1", Text: "Where was Vela Noor born?", Answers: []string{"Tarn"}}
	trees, err := env.Rollout(context.Background(), []qa.Question{question}, 1, rollout.Sampling{}, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(rollout.FormatTrajectory(trees[0], 0))
	// Output:
	// question   Where was Vela Noor born?
	// think      I should look it up.
	// query      birthplace of Vela Noor
	// documents  Vela Noor was a composer, born in Tarn.
	// think      The document says it.
	// answer     Tarn
	// end        answered: 2 turns, 1 search, 0 invalid actions, reward 0
}

// One decision point as SLATE has it: several candidates of the same step, of which one is continued.
func ExampleEnv_Sample() {
	tokenizer, err := scripted.NewTokenizer(nil, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	candidates := []string{"<search>Vela Noor</search>", "<search>rivers</search>", "<answer>Ilm</answer>"}
	env := &rollout.Env{
		Policy:    &scripted.Policy{Tokenizer: tokenizer, Say: func(_ string, sample int) string { return candidates[sample] }},
		Searcher:  &library{},
		Tokenizer: tokenizer,
		Protocol:  rollout.Bare(),
	}
	ctx := context.Background()
	tree, err := env.Start(qa.Question{ID: "1", Text: "Where was Vela Noor born?"})
	if err != nil {
		fmt.Println(err)
		return
	}
	sampled, err := env.Sample(ctx, []rollout.StepRequest{{Tree: tree, Leaf: 0, N: 3, Seed: 1}})
	if err != nil {
		fmt.Println(err)
		return
	}
	var leaves []int
	for _, candidate := range sampled[0] {
		leaves = append(leaves, tree.Attach(0, candidate)) // all of them can be trained
	}
	winner := leaves[0]
	observed, err := env.Observe(ctx, []rollout.Leaf{{Tree: tree, Segment: winner}}) // one search
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, s := range tree.Segments {
		fmt.Printf("%d after %d: %s %q\n", i, s.Parent, s.Kind, s.Value)
	}
	fmt.Println("the next step follows segment", observed[0].Leaf)
	// Output:
	// 0 after -1: prompt ""
	// 1 after 0: query "Vela Noor"
	// 2 after 0: query "rivers"
	// 3 after 0: answer "Ilm"
	// 4 after 1: documents ""
	// the next step follows segment 4
}
