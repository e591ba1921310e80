// Package encoder makes vectors of texts with a BERT encoder (Devlin et al. 2019): E5, BGE, MiniLM and other models in the
// Hugging Face layout, on GoMLX, with XLA or in pure Go.
//
//	backend, err := accel.Open(accel.Auto)
//	enc, err := encoder.Open(backend, os.DirFS("e5-base-v2"), func(c *encoder.Config) {
//		c.QueryPrefix, c.PassagePrefix, err = encoder.Prefixes("e5")
//	})
//	vectors, err := enc.Queries(ctx, []string{"Who founded Ghent University?"})
//
// # From text to vector
//
//  1. the prefix goes in front of the text (E5 was trained with "query: " and "passage: ", BGE with an instruction before
//     queries, MiniLM with none), and package wordpiece splits it;
//  2. the network gives a hidden state for each token: embeddings of token, position and type, then blocks of
//     x = norm(x + attention(x)), x = norm(x + GELU feed-forward(x)), every token seeing all others of its text;
//  3. pooling makes one vector: the mean over the tokens, or the first token's ([CLS]);
//  4. it is scaled to length 1, so that inner product and cosine are the same.
//
// Which pooling, the longest text and the prefixes come from the files that sentence-transformers keeps beside a model,
// where these are there; see [LoadConfig].
//
// # Batches
//
// A program is compiled for each shape, so there are few: texts are sorted by length and padded to one of a few widths,
// and batches have 1, 4, 16, … rows, at most as many as fill a budget of tokens. Padding is masked and cannot be seen in
// the result.
package encoder
