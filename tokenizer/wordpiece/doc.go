// Package wordpiece splits text into the subwords of BERT: the tokenizer of the encoders that dense retrieval uses (E5,
// BGE, MiniLM). It reads Hugging Face's tokenizer.json, or the older vocab.txt, and gives the ids that the reference
// implementation (the Python package tokenizers) gives.
//
// Text becomes ids in four steps, each of them one function:
//
//  1. normalise: control characters go, white space becomes a space, Chinese characters get spaces around them, accents
//     and case go where the vocabulary has none;
//  2. words: split at white space, and each punctuation mark is a word of its own;
//  3. pieces: the longest piece of the vocabulary that starts the word, then the longest "##" piece that continues it, and
//     so on; a word that cannot be split so is [UNK] as a whole, and so is one of more than 100 characters;
//  4. [CLS] in front and [SEP] at the end, within the longest length that is asked for.
//
// One departure: text never yields a special token. Where a passage spells "[SEP]", the reference reads the separator;
// here it is a bracket, a word and a bracket.
package wordpiece
