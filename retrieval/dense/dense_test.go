package dense_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"searchrl/retrieval"
	"searchrl/retrieval/dense"
	"searchrl/retrieval/flat"
)

// letters is an encoder that counts letters: enough to tell texts apart. It fails after so many passages.
type letters struct {
	digest string
	after  int
	seen   []string
}

func (l *letters) Dim() int       { return 26 }
func (l *letters) Digest() string { return l.digest }

func (l *letters) Queries(_ context.Context, texts []string) ([][]float32, error) {
	out := make([][]float32, len(texts))
	for i, text := range texts {
		out[i] = make([]float32, 26)
		square := 0.0
		for _, r := range strings.ToLower(text) {
			if r >= 'a' && r <= 'z' {
				out[i][r-'a']++
			}
		}
		for _, x := range out[i] {
			square += float64(x * x)
		}
		for j := range out[i] {
			out[i][j] /= float32(max(math.Sqrt(square), 1e-9))
		}
	}
	return out, nil
}

var errBroken = errors.New("broken")

func (l *letters) Passages(ctx context.Context, texts []string) ([][]float32, error) {
	if l.after > 0 && len(l.seen)+len(texts) > l.after {
		return nil, errBroken
	}
	l.seen = append(l.seen, texts...)
	return l.Queries(ctx, texts)
}

func corpus(n int) dense.Slice {
	docs := dense.Slice{{ID: "a", Title: "Ghent", Text: "a city"}, {ID: "b", Text: "zzz quiz"}, {ID: "c", Title: "Bruges", Text: "a town"}}
	for i := len(docs); i < n; i++ {
		docs = append(docs, retrieval.Document{ID: fmt.Sprint(i), Text: strings.Repeat("x", i%7) + fmt.Sprintf("%b", i)})
	}
	return docs
}

func TestBuildAndSearch(t *testing.T) {
	ctx := context.Background()
	dir, docs := t.TempDir(), corpus(60)
	require.NoError(t, dense.Build(ctx, dir, &letters{digest: "l"}, docs, dense.BuildOptions{Batch: 7}))
	s, err := dense.Open(dir, &letters{digest: "l"}, docs, flat.Options{})
	require.NoError(t, err)
	defer s.Close()
	results, err := s.Search(ctx, []string{"zzz quiz", " \t", "bruges a town"}, 2)
	require.NoError(t, err)
	require.Len(t, results, 3)
	assert.Equal(t, "b", results[0][0].ID)
	assert.InDelta(t, 1, results[0][0].Score, 1e-6)
	assert.Len(t, results[0], 2)
	assert.Empty(t, results[1])
	assert.Equal(t, docs[2], results[2][0].Document)
	_, err = s.Search(ctx, []string{"x"}, 0)
	assert.ErrorContains(t, err, "k is 0")

	err = dense.Build(ctx, dir, &letters{digest: "l"}, docs, dense.BuildOptions{})
	assert.ErrorContains(t, err, "there is a finished index already")
	_, err = dense.Open(dir, &letters{digest: "other"}, docs, flat.Options{})
	assert.ErrorContains(t, err, "made by encoder l")
	_, err = dense.Open(dir, &letters{digest: "l"}, docs[:59], flat.Options{})
	assert.ErrorContains(t, err, "with 60 passages, this one is")
	changed := append(dense.Slice{}, docs...)
	changed[33].Text += "."
	_, err = dense.Open(dir, &letters{digest: "l"}, changed, flat.Options{})
	assert.ErrorContains(t, err, "they are of corpus")
}

// TestBuildResumes: a build that failed goes on after its last whole batch, and encodes nothing twice.
func TestBuildResumes(t *testing.T) {
	ctx := context.Background()
	dir, docs := t.TempDir(), corpus(100)
	opts := dense.BuildOptions{Batch: 10, ShardRows: 20}
	require.ErrorIs(t, dense.Build(ctx, dir, &letters{digest: "l", after: 75}, docs, opts), errBroken)
	_, err := dense.Open(dir, &letters{digest: "l"}, docs, flat.Options{})
	require.Error(t, err)
	require.ErrorContains(t, dense.Build(ctx, dir, &letters{digest: "other"}, docs, opts), "an unfinished index of other vectors")
	again := &letters{digest: "l"}
	require.NoError(t, dense.Build(ctx, dir, again, docs, opts))
	require.Len(t, again.seen, 30)
	require.Equal(t, dense.Contents(docs[70]), again.seen[0])
	s, err := dense.Open(dir, again, docs, flat.Options{})
	require.NoError(t, err)
	defer s.Close()

	unbroken := t.TempDir()
	require.NoError(t, dense.Build(ctx, unbroken, again, docs, opts))
	want, err := dense.Open(unbroken, again, docs, flat.Options{})
	require.NoError(t, err)
	defer want.Close()
	for _, query := range []string{"ghent", "zzz", "1011"} {
		found, err := s.Search(ctx, []string{query}, 100)
		require.NoError(t, err)
		expected, err := want.Search(ctx, []string{query}, 100)
		require.NoError(t, err)
		require.Equal(t, expected, found)
	}
}

// TestIdentity: vectors are named by what they are of and by their content, wherever they lie.
func TestIdentity(t *testing.T) {
	ctx, docs := context.Background(), corpus(20)
	identity := func(docs dense.Slice, digest string, opts dense.BuildOptions) string {
		dir := t.TempDir()
		require.NoError(t, dense.Build(ctx, dir, &letters{digest: digest}, docs, opts))
		name, err := dense.Identity(dir)
		require.NoError(t, err)
		return name
	}
	same := identity(docs, "l", dense.BuildOptions{})
	require.Equal(t, same, identity(docs, "l", dense.BuildOptions{About: map[string]string{"note": "x"}}))
	changed := append(dense.Slice{}, docs...)
	changed[3].ID = "new"
	require.Len(t, map[string]bool{same: true, identity(docs, "other", dense.BuildOptions{}): true, identity(changed, "l", dense.BuildOptions{}): true,
		identity(docs, "l", dense.BuildOptions{Precision: flat.Int8}): true}, 4)
	_, err := dense.Identity(t.TempDir())
	require.Error(t, err)
}

func TestContents(t *testing.T) {
	assert.Equal(t, "\"Ghent\"\na city", dense.Contents(corpus(3)[0]))
	assert.Equal(t, "zzz quiz", dense.Contents(corpus(3)[1]))
}
