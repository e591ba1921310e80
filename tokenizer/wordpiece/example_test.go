package wordpiece_test

import (
	"fmt"
	"testing/fstest"

	"searchrl/tokenizer/wordpiece"
)

func Example() {
	tok, err := wordpiece.Load(fstest.MapFS{"vocab.txt": {Data: []byte("[PAD]\n[UNK]\n[CLS]\n[SEP]\ncafe\nun\n##bel\n##iev\n##able\n!\n")}})
	if err != nil {
		fmt.Println(err)
		return
	}
	ids, err := tok.Encode("Café: unbelievable!", 512)
	fmt.Println(ids, err)
	// Output:
	// [2 4 1 5 6 7 8 9 3] <nil>
}
