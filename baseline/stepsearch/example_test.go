package stepsearch_test

import (
	"fmt"
	"testing"
)

// A search that finds a passage the answer rests on, one that brings nothing new, and an answer. The advantage of a step's
// last token is what was still earned from there on: a critic of zeros expects nothing.
func ExampleMethod() {
	trees, _ := collect(&testing.T{}, raw(), environment(&testing.T{}, capital, again, right))
	fmt.Print(transcript(trees[0]))
	// Output:
	// query  "capital of Lunia", gain +0.358, redundancy +0.000: A = +1.170
	//        finds "capital"
	// query  "Lunia capital", gain +0.000, redundancy -0.600: A = +0.812
	//        finds "capital"
	// answer "Ada Dole": A = +1.412
	// answered, R = +1.412
}
