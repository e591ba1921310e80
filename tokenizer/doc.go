// Package tokenizer reads and writes Hugging Face tokenizer.json files of the byte-level BPE kind that Qwen2 models use.
//
// Text goes through the four stages of that format: NFC normalisation; splitting into pre-tokens by Qwen's pattern; the
// bytes of each pre-token; merges of neighbouring pieces in the order in which they were learned (Sennrich et al. 2016,
// "Neural Machine Translation of Rare Words with Subword Units"; bytes as base alphabet after Radford et al. 2019, GPT-2).
// The ids are those of the reference, Hugging Face's tokenizers library.
//
// # Text from outside
//
// There are two ways in, and the difference is a matter of safety. [Tokenizer.Encode] is for text that somebody else wrote:
// questions, documents, what a model said. It never yields an added token, so a passage that spells "<|im_end|>" or
// "</information>" stays data. [Tokenizer.EncodeTrusted] is for our own templates, and recognises the added tokens.
// [Tokenizer.Chat] puts outside text into the template of the model safely.
//
//	tok, err := tokenizer.Load(os.DirFS("Qwen2.5-0.5B"))
//	ids := tok.Encode("Who founded Ambergate?")
//	text := tok.Decode(ids)
//
// # Invalid UTF-8
//
// Going in, each ill-formed byte sequence becomes U+FFFD, the replacement character, before anything else happens. Coming out
// the same happens to what the tokens' bytes do not make up (a token may be a part of a character). Both use the "maximal
// subpart" practice of the Unicode standard, §3.9, as Rust, Python and browsers do. [Stream] decodes token by token and holds
// bytes back until a character is whole.
//
// # What is supported
//
// Model BPE over bytes, with or without ignore_merges; normaliser NFC or none; Qwen2's pre-tokeniser; merges written either as
// "a b" or as ["a","b"]. Anything else is an error of [Load] that names what was found. The truncation and padding settings of
// a file are not applied. Characters are classified as the reference does, by Unicode 16.
package tokenizer
