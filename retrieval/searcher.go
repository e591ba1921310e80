package retrieval

import "context"

// Document is one passage of a corpus.
type Document struct {
	// ID names the passage within its corpus; unique there.
	ID string `json:"id"`
	// Title is the passage's heading; it is searched together with Text.
	Title string `json:"title,omitempty"`
	// Text is the passage's body.
	Text string `json:"text"`
}

// Hit is one document found, with its score (higher is better; comparable within one query only).
type Hit struct {
	Document
	Score float64 `json:"score"`
}

// Searcher finds passages. Implementations are safe for concurrent use.
type Searcher interface {
	// Search returns, for each query, up to k hits in falling order of score; ties go to the earlier document
	// of the corpus. A query without a searchable word gets no hits, which is not an error. k must be ≥ 1.
	Search(ctx context.Context, queries []string, k int) ([][]Hit, error)
}
