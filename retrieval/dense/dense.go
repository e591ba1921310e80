package dense

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"searchrl/retrieval"
	"searchrl/retrieval/flat"
)

// Encoder makes vectors of texts; package encoder has one.
type Encoder interface {
	// Queries and Passages return one vector for each text.
	Queries(ctx context.Context, texts []string) ([][]float32, error)
	Passages(ctx context.Context, texts []string) ([][]float32, error)
	// Dim is the length of a vector.
	Dim() int
	// Digest identifies what the vectors depend on.
	Digest() string
}

// Documents are the passages of a corpus by their place in it, from 0. It is safe for concurrent use.
type Documents interface {
	Len() int
	Document(i int) (retrieval.Document, error)
}

// Slice is a corpus in memory.
type Slice []retrieval.Document

// Len returns the number of passages.
func (s Slice) Len() int { return len(s) }

// Document returns passage i.
func (s Slice) Document(i int) (retrieval.Document, error) { return s[i], nil }

// Contents is the text of a passage that is encoded: the wiki-18 layout, in which Search-R1 and FlashRAG encode it, too.
func Contents(d retrieval.Document) string {
	if d.Title == "" {
		return d.Text
	}
	return `"` + d.Title + "\"\n" + d.Text
}

// What the vectors' file notes about their origin.
const (
	aboutEncoder = "encoder"
	aboutCorpus  = "corpus"
)

// sampleSize is the number of passages that tell a corpus from another.
const sampleSize = 1000

// digest identifies a corpus by its length and up to sampleSize passages, evenly spaced.
func digest(docs Documents) (string, error) {
	h := sha256.New()
	n := docs.Len()
	write := func(s string) {
		h.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(s))))
		h.Write([]byte(s))
	}
	for j := range min(n, sampleSize) {
		i := j
		if n > sampleSize {
			i = int(int64(j) * int64(n-1) / (sampleSize - 1))
		}
		doc, err := docs.Document(i)
		if err != nil {
			return "", err
		}
		write(doc.ID)
		write(doc.Title)
		write(doc.Text)
	}
	return fmt.Sprintf("%d-%s", n, hex.EncodeToString(h.Sum(nil)[:12])), nil
}

// Searcher searches passages by their vectors. It is safe for concurrent use.
type Searcher struct {
	enc   Encoder
	index *flat.Index
	docs  Documents
}

var _ retrieval.Searcher = (*Searcher)(nil)

// Open opens the vectors in the folder dir, which [Build] made of docs with an encoder of the same digest.
// The caller closes the searcher before the encoder.
func Open(dir string, enc Encoder, docs Documents, opts flat.Options) (*Searcher, error) {
	index, err := flat.Open(dir, opts)
	if err != nil {
		return nil, err
	}
	s := &Searcher{enc: enc, index: index, docs: docs}
	if err := s.check(); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the vectors in %s: %w", dir, err), index.Close())
	}
	return s, nil
}

// Identity names the vectors in the folder dir by their content and by the encoder and the passages they were made of.
func Identity(dir string) (string, error) {
	about, err := flat.ReadAbout(dir)
	if err != nil {
		return "", err
	}
	sum, err := flat.Sum(dir)
	return fmt.Sprintf("encoder %s, corpus %s, vectors %s", about[aboutEncoder], about[aboutCorpus], sum), err
}

// check compares the origin of the vectors with the encoder and the passages.
func (s *Searcher) check() error {
	if found := s.index.About(aboutEncoder); found != s.enc.Digest() || s.index.Dim() != s.enc.Dim() {
		return fmt.Errorf("they were made by encoder %s with %d elements, this one is %s with %d", found, s.index.Dim(), s.enc.Digest(), s.enc.Dim())
	}
	corpus, err := digest(s.docs)
	if err != nil {
		return err
	}
	if found := s.index.About(aboutCorpus); found != corpus || s.index.Rows() != s.docs.Len() {
		return fmt.Errorf("they are of corpus %s with %d passages, this one is %s with %d", found, s.index.Rows(), corpus, s.docs.Len())
	}
	return nil
}

// Search implements retrieval.Searcher; the score is the inner product. A blank query gets no hits.
func (s *Searcher) Search(ctx context.Context, queries []string, k int) ([][]retrieval.Hit, error) {
	if k < 1 {
		return nil, fmt.Errorf("dense search: k is %d, expected 1 or more", k)
	}
	results := make([][]retrieval.Hit, len(queries))
	var texts []string
	var at []int
	for i, q := range queries {
		if strings.TrimSpace(q) != "" {
			texts, at = append(texts, q), append(at, i)
		}
	}
	if len(texts) == 0 {
		return results, nil
	}
	vectors, err := s.enc.Queries(ctx, texts)
	if err != nil {
		return nil, fmt.Errorf("dense search: encoding %d queries: %w", len(texts), err)
	}
	found, err := s.index.Search(ctx, vectors, k)
	if err != nil {
		return nil, fmt.Errorf("dense search: %w", err)
	}
	for i, matches := range found {
		hits := make([]retrieval.Hit, len(matches))
		for j, m := range matches {
			doc, err := s.docs.Document(m.Row)
			if err != nil {
				return nil, fmt.Errorf("dense search: reading passage %d: %w", m.Row, err)
			}
			hits[j] = retrieval.Hit{Document: doc, Score: m.Score}
		}
		results[at[i]] = hits
	}
	return results, nil
}

// Close closes the vectors; the encoder and the passages stay open.
func (s *Searcher) Close() error { return s.index.Close() }
