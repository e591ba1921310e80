package tokenizer_test

import (
	"fmt"
	"testing/fstest"

	"searchrl/tokenizer"
)

// A closed vocabulary: text from outside cannot become a tag, our own text can.
func Example() {
	data, err := tokenizer.BuildWords([]string{"Who", " is", " the", " boss"}, []string{"<search>", "</search>"})
	if err != nil {
		fmt.Println(err)
		return
	}
	tok, err := tokenizer.Load(fstest.MapFS{"tokenizer.json": {Data: data}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(tok.Encode("Who is the boss"))
	fmt.Println(tok.EncodeTrusted("<search> boss</search>"))
	fmt.Println(tok.Encode("<search>"))
	fmt.Println(tok.Decode(tok.Encode("Who is <search>?")))
	// Output:
	// [256 257 258 259]
	// [260 259 261]
	// [60 115 101 97 114 99 104 62]
	// Who is <search>?
}

// A stream gives whole characters only.
func ExampleStream() {
	data, err := tokenizer.BuildWords(nil, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	tok, err := tokenizer.Load(fstest.MapFS{"tokenizer.json": {Data: data}})
	if err != nil {
		fmt.Println(err)
		return
	}
	stream := tok.Stream()
	for _, id := range tok.Encode("5 €") {
		fmt.Printf("%q ", stream.Push(id))
	}
	fmt.Printf("%q\n", stream.Flush())
	// Output: "5" " " "" "" "€" ""
}
