// Package safetensors reads and writes the safetensors file format: named arrays of numbers, and nothing that could be
// executed.
//
// A file is
//
//	8 bytes   N, the length of the header, unsigned, little-endian
//	N bytes   the header: a JSON object, padded at its end with spaces
//	the rest  the data: the tensors' bytes, little-endian, row-major, back to back
//
// The header maps each tensor's name to {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}, offsets counted
// from the start of the data; the key "__metadata__" may hold a map from string to string.
//
// # Reading files from strangers
//
// [Read] checks the whole header before anything else is believed, and allocates no more than the file's own size:
// the header's length against the file and against [MaxHeader]; UTF-8; JSON; unknown or doubled keys; known dtypes;
// shape × dtype = length without overflow; and that the tensors cover the data exactly, with no overlap, no hole and
// no rest. These are the rules of the reference implementation (github.com/huggingface/safetensors, whose list of attacks the
// tests follow), and a little stricter: doubled or unknown keys inside a tensor's entry are errors too.
//
// [Write] is deterministic, and writes what the reference implementation writes, byte for byte: tensors in falling order of
// dtype (the wider ones first, so that all are aligned), then by name.
package safetensors
