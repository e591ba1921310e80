// Package index holds BM25 indexes as files: built in a stream with bounded memory, opened by mapping them, and searched
// with the very results of [retrieval.BM25] over the same passages.
//
//	manifest, err := index.Build(ctx, "wiki-18.jsonl.gz", "wiki-18.index", index.DefaultOptions())
//	x, err := index.Open("wiki-18.index")
//	defer x.Close()
//	hits, err := x.Search(ctx, []string{"Who founded Ghent University?"}, 3)
//
// # Files
//
// An index is a folder. Its manifest, index.json, names the subfolder that holds the data, what analysis and parameters it
// was built with, and the size and CRC-32C of each file. All numbers are little-endian.
//
//	passages.bin       each passage: id, title and text, each after its length as uvarint, then the CRC-32C of these bytes
//	passages.offsets   N+1 uint64: where each passage begins, and the end of the last
//	words.bin          the distinct words in rising order of their bytes, without separators
//	words.table        32 bytes a word: where it begins in words.bin (uint64) and its length (uint32); df, the number of its
//	                   postings (uint32), and where they begin (uint64); their largest gain (float32), their CRC-32C (uint32)
//	postings.bin       each word: df passages (uint32, rising), then what each gains (float32), see [retrieval.Formula]
//
// # Building
//
// Passages are analysed one after the other; when what was counted fills the memory given to it, it is sorted by word and
// written as a run, and at the end the runs are merged word by word (Heinz and Zobel 2003). Beside that memory a build
// holds 20 bytes a passage, to check that ids differ and for the lengths, and the postings of one word.
//
// All files are written into a new subfolder and flushed to the disk; then the manifest is replaced in one step. A crash at
// any moment leaves the index that was there before, and the next build removes what was left over. Two builds of one
// folder exclude each other. An index that is open when it is replaced stays usable where the system lets files be removed
// that are open, as Unix does.
//
// # Memory while searching
//
// The files are mapped, so the system keeps of them what it has room for. Beside that, an open index holds 2 bits a word, 12 bytes a
// passage for each search under way, and for each frequent word that has been asked for 5 bytes a block ([topk.Blocks]), less than
// its postings take.
//
// # Damage
//
// Opening checks the sizes of all files and the checksums of all but the two large ones. A list of postings is checked when
// it is first used, a passage whenever it is read, so that damage is an error and never a wrong result, and opening does
// not read the whole index. [Verify] does.
package index
