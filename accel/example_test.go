package accel_test

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"

	"searchrl/accel"
)

func ExampleOpen() {
	backend, err := accel.Open("go")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer backend.Close()
	fmt.Println(backend.Kind(), backend.Info().Devices)

	square, err := graph.NewExec(backend.Compute(), func(x *graph.Node) *graph.Node { return graph.Mul(x, x) })
	if err != nil {
		fmt.Println(err)
		return
	}
	y, err := square.Call1([]float32{1, 2, 3})
	fmt.Println(y.Value(), err)
	// Output:
	// go [device#0]
	// [1 4 9] <nil>
}

func ExampleOpen_unknown() {
	_, err := accel.Open("xla:tpu")
	fmt.Println(err)
	// Output:
	// unknown backend "xla:tpu": expected auto, go, xla:cpu, xla:cuda or xla:/absolute/path/plugin.so
}
