package flat_test

import (
	"context"
	"fmt"

	"searchrl/retrieval/flat"
)

func Example() {
	vectors := [][]float32{{1, 0, 0}, {0, 1, 0}, {0.6, 0.8, 0}}
	// Known before anything is loaded: Options.Limit refuses what takes more.
	fmt.Println("int8 takes less than a third of float32:", flat.Estimate(21_000_000, 768, flat.Int8, nil) < flat.Estimate(21_000_000, 768, flat.F32, nil)/3)
	index, err := flat.New(vectors, flat.F32, flat.Options{Limit: 1 << 30})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer index.Close()
	found, err := index.Search(context.Background(), [][]float32{{0, 1, 0}, {1, 0, 0}}, 2) // a batch is one matrix product
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range found {
		fmt.Printf("row %d: %.2f, row %d: %.2f\n", m[0].Row, m[0].Score, m[1].Row, m[1].Score)
	}
	// Output:
	// int8 takes less than a third of float32: true
	// row 1: 1.00, row 2: 0.80
	// row 0: 1.00, row 2: 0.60
}
