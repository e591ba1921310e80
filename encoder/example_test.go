package encoder_test

import (
	"context"
	"fmt"
	"os"

	"searchrl/accel"
	"searchrl/encoder"
)

// The folder is one as published on the Hugging Face hub, here that of E5.
func Example() {
	backend, err := accel.Open(accel.Auto)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer backend.Close()
	enc, err := encoder.Open(backend, os.DirFS("e5-base-v2"), func(c *encoder.Config) {
		c.QueryPrefix, c.PassagePrefix, _ = encoder.Prefixes("e5")
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer enc.Close()
	vectors, err := enc.Queries(context.Background(), []string{"Who founded Ghent University?"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(vectors[0]))
}
