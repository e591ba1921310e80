package qa_test

import (
	"fmt"
	"strings"

	"searchrl/qa"
)

func Example() {
	questions, err := qa.ReadQuestions(strings.NewReader(
		`{"id": "q1", "question": "Who told the story of the prodigal son?", "golden_answers": ["Jesus Christ"]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, prediction := range []string{"jesus christ.", "Jesus", "Luke"} {
		answers := questions[0].Answers
		fmt.Printf("%s: EM %.0f, F1 %.2f\n", prediction, qa.ExactMatch(prediction, answers), qa.F1(prediction, answers))
	}
	// Output:
	// jesus christ.: EM 1, F1 1.00
	// Jesus: EM 0, F1 0.67
	// Luke: EM 0, F1 0.00
}

func ExampleNormalize() {
	fmt.Println(qa.Normalize("The U.S. Army's  a-team"))
	// Output: us armys ateam
}

func ExampleReadQuestions() {
	_, err := qa.ReadQuestions(strings.NewReader(`{"question": "Who?", "answer": "Ada"}` + "\n" + `{"question": "When?"}`))
	fmt.Println(strings.SplitAfter(err.Error(), ";")[0])
	// Output: questions line 2: no answer in "golden_answers", "answers", "answer" or "possible_answers";
}
