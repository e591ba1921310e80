package retrieval

import (
	"errors"
	"fmt"
)

// Default parameters of BM25: the ones that Search-R1's BM25 baseline takes over from Pyserini, tuned on passages of
// about 100 words.
const (
	DefaultK1 = 0.9
	DefaultB  = 0.4
)

// Option changes how [NewBM25] builds its index.
type Option func(*options)

type options struct {
	k1, b   float64
	analyze Analyzer
	stop    []string
}

// WithK1 sets k1 in [0, 1000], which says how soon a repeated word stops adding to the score; with 0 it counts once.
// The default is [DefaultK1].
func WithK1(k1 float64) Option { return func(o *options) { o.k1 = k1 } }

// WithB sets b in [0, 1], the weight of the passage's length; with 0 it does not matter. The default is [DefaultB].
func WithB(b float64) Option { return func(o *options) { o.b = b } }

// WithAnalyzer sets how passages and queries are split into words. The default is [Words].
func WithAnalyzer(analyze Analyzer) Option { return func(o *options) { o.analyze = analyze } }

// WithStopWords leaves words out of passages and queries alike, so that they neither match nor count as length. They are
// spelled as a text would; the default is none. See [EnglishStopWords].
func WithStopWords(words ...string) Option { return func(o *options) { o.stop = words } }

func newOptions(opts []Option) (options, error) {
	o := options{k1: DefaultK1, b: DefaultB, analyze: Words}
	for _, set := range opts {
		set(&o)
	}
	if err := (Formula{K1: o.k1, B: o.b}).Validate(); err != nil {
		return o, fmt.Errorf("building BM25: %w", err)
	}
	if o.analyze == nil {
		return o, errors.New("building BM25: the analyzer is nil")
	}
	o.analyze = without(o.analyze, o.stop)
	return o, nil
}
