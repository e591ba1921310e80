package index

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"searchrl/retrieval"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(buildVariable); dir != "" {
		buildForever(dir)
	}
	goleak.VerifyTestMain(m)
}

var animals = []retrieval.Document{
	{ID: "cat", Title: "Cat", Text: "The cat sleeps."},
	{ID: "dog", Title: "Dog", Text: "The dog barks at the cat."},
	{ID: "dog again", Title: "Dog", Text: "The dog barks at the cat."},
	{ID: "empty"},
}

func stream(docs []retrieval.Document) iter.Seq2[retrieval.Document, error] {
	return func(yield func(retrieval.Document, error) bool) {
		for _, d := range docs {
			if !yield(d, nil) {
				return
			}
		}
	}
}

// built builds and opens an index of the passages in a new folder.
func built(t testing.TB, docs []retrieval.Document, options Options) (*Index, string) {
	dir := t.TempDir()
	_, err := BuildFrom(t.Context(), stream(docs), "test", dir, options)
	require.NoError(t, err)
	x, err := Open(dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, x.Close()) })
	return x, dir
}

// Every word is found where it stands, and no other, also where many words begin with the same bytes.
func TestFind(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	var words []string
	for range 3000 {
		word := strings.Repeat("a", rng.IntN(12)) // the heads of many are the same
		for range 1 + rng.IntN(3) {
			word += string(rune('a' + rng.IntN(20)))
		}
		words = append(words, word)
	}
	slices.Sort(words)
	words = slices.Compact(words)
	there, absent := words[:0:0], words[:0:0]
	for i, word := range words {
		if i%3 == 0 {
			absent = append(absent, word)
		} else {
			there = append(there, word)
		}
	}
	require.Greater(t, len(there), 10*headEvery)
	x, _ := built(t, []retrieval.Document{{ID: "all", Text: strings.Join(there, " ")}}, DefaultOptions())
	require.Equal(t, len(there), x.manifest.Distinct)
	for i, word := range there {
		w, known := x.find([]byte(word))
		require.True(t, known, word)
		require.Equal(t, i, w, word)
	}
	for _, word := range append(absent, "", "\x00", "\xff\xff\xff\xff\xff\xff\xff\xff\xff", "zzzzzzzzzz") {
		_, known := x.find([]byte(word))
		require.False(t, known, word)
	}
}

// Whatever the passages, parameters and memory, the files give what the index in memory gives, to the last bit.
func TestEqualsMemory(t *testing.T) {
	base := t.TempDir()
	word := rapid.SampledFrom([]string{"a", "a", "a", "b", "b", "c", "dogs", "dog", "e's", "Ä", "h", "\xff", ""})
	text := func(n int) *rapid.Generator[string] {
		return rapid.Map(rapid.SliceOfN(word, 0, n), func(w []string) string { return strings.Join(w, " ") })
	}
	rapid.Check(t, func(t *rapid.T) {
		docs := make([]retrieval.Document, rapid.IntRange(0, 40).Draw(t, "passages"))
		for i := range docs {
			docs[i] = retrieval.Document{ID: strconv.Itoa(i), Title: text(2).Draw(t, "title"), Text: text(12).Draw(t, "text")}
		}
		analysis, err := retrieval.NamedAnalysis(rapid.SampledFrom(retrieval.AnalysisNames()).Draw(t, "analysis"))
		require.NoError(t, err)
		o := Options{K1: rapid.Float64Range(0, 3).Draw(t, "k1"), B: rapid.Float64Range(0, 1).Draw(t, "b"), Analysis: analysis,
			Memory: rapid.IntRange(1, 5000).Draw(t, "memory")} // from a run for each passage to one for all
		analyze, err := analysis.Analyzer()
		require.NoError(t, err)
		memory, err := retrieval.NewBM25(docs, retrieval.WithK1(o.K1), retrieval.WithB(o.B), retrieval.WithAnalyzer(analyze))
		require.NoError(t, err)

		dir, err := os.MkdirTemp(base, "")
		require.NoError(t, err)
		defer os.RemoveAll(dir)
		m, err := BuildFrom(context.Background(), stream(docs), "test", dir, o)
		require.NoError(t, err)
		x, err := Open(dir)
		require.NoError(t, err)
		defer x.Close()
		require.Equal(t, *m, x.Manifest())
		require.Equal(t, len(docs), x.Len())

		queries := rapid.SliceOfN(text(8), 1, 8).Draw(t, "queries")
		k := rapid.IntRange(1, 50).Draw(t, "k")
		want, err := memory.Search(context.Background(), queries, k)
		require.NoError(t, err)
		got, err := x.Search(context.Background(), queries, k)
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.NoError(t, Verify(dir))
	})
}

func TestManifest(t *testing.T) {
	x, dir := built(t, animals, DefaultOptions())
	m := x.Manifest()
	require.Equal(t, 4, m.Passages)
	require.Equal(t, 4+7+7, m.Words)
	require.Equal(t, 6, m.Distinct)
	require.Equal(t, 3+5+5, m.Postings)
	require.Equal(t, int64(13*8), m.Files[postingsFile].Bytes)
	require.Greater(t, m.Bytes(), int64(13*8+6*32+5*8))
	entries, err := os.ReadDir(filepath.Join(dir, m.Folder))
	require.NoError(t, err)
	require.Len(t, entries, len(dataFiles), "runs are removed")
}

func TestRefusals(t *testing.T) {
	build := func(docs []retrieval.Document, change func(*Options)) error {
		o := DefaultOptions()
		change(&o)
		dir := t.TempDir()
		_, err := BuildFrom(t.Context(), stream(docs), "test", dir, o)
		_, openErr := Open(dir)
		require.Error(t, openErr, "nothing half-built can be opened")
		return err
	}
	same := func(*Options) {}
	require.ErrorContains(t, build([]retrieval.Document{{ID: "x"}, {ID: "y"}, {ID: "x"}}, same), `passages 0 and 2 have the same id "x"`)
	require.ErrorContains(t, build([]retrieval.Document{{ID: "x"}, {Text: "y"}}, same), "passage 1 has no id")
	require.ErrorContains(t, build(nil, func(o *Options) { o.K1 = -1 }), "k1 is -1")
	require.ErrorContains(t, build(nil, func(o *Options) { o.Memory = 0 }), "memory of 0 bytes")
	require.ErrorContains(t, build(nil, func(o *Options) { o.Analysis.Stem = "x" }), `stem "x"`)

	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "thesis.tex"), nil, 0o600))
	_, err := BuildFrom(t.Context(), stream(animals), "test", dir, DefaultOptions())
	require.ErrorContains(t, err, "the folder holds thesis.tex, which is no part of an index")
	_, err = Open(dir)
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = Build(t.Context(), filepath.Join(dir, "absent"), t.TempDir(), DefaultOptions())
	require.ErrorIs(t, err, os.ErrNotExist)

	corpus := filepath.Join(t.TempDir(), "c.jsonl")
	require.NoError(t, os.WriteFile(corpus, []byte(`{"id":"1","text":"t"}`+"\n{oops"), 0o600))
	_, err = Build(t.Context(), corpus, t.TempDir(), DefaultOptions())
	require.ErrorContains(t, err, corpus+" line 2:")

	x, _ := built(t, animals, DefaultOptions())
	_, err = x.Search(t.Context(), []string{"cat"}, 0)
	require.ErrorContains(t, err, "k is 0; expected at least 1")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = x.Search(ended, []string{"cat"}, 1)
	require.ErrorIs(t, err, context.Canceled)
	_, err = BuildFrom(ended, stream(animals), "test", t.TempDir(), DefaultOptions())
	require.ErrorIs(t, err, context.Canceled)
}

// A build that fails, or is called off, leaves the old index; one that succeeds replaces it, and who has the old one open
// can go on.
func TestReplace(t *testing.T) {
	x, dir := built(t, animals, DefaultOptions())
	search := func(x *Index) string {
		found, err := x.Search(t.Context(), []string{"cat"}, 1)
		require.NoError(t, err)
		return found[0][0].ID
	}
	fault := errors.New("fault")
	_, err := BuildFrom(t.Context(), func(yield func(retrieval.Document, error) bool) {
		_ = yield(retrieval.Document{ID: "x"}, nil) && yield(retrieval.Document{}, fault)
	}, "test", dir, DefaultOptions())
	require.ErrorIs(t, err, fault)
	again, err := Open(dir)
	require.NoError(t, err)
	require.Equal(t, "cat", search(again))
	require.NoError(t, again.Close())
	folders, err := filepath.Glob(filepath.Join(dir, folderPrefix+"*"))
	require.NoError(t, err)
	require.Len(t, folders, 1, "nothing is left of the one that failed")

	_, err = BuildFrom(t.Context(), func(yield func(retrieval.Document, error) bool) {
		_, err := BuildFrom(t.Context(), stream(animals), "test", dir, DefaultOptions())
		require.ErrorIs(t, err, ErrLocked)
		yield(retrieval.Document{ID: "new", Text: "cat"}, nil)
	}, "test", dir, DefaultOptions())
	require.NoError(t, err)
	require.Equal(t, "cat", search(x), "the one that is open")
	again, err = Open(dir)
	require.NoError(t, err)
	require.Equal(t, "new", search(again))
	require.NoError(t, again.Close())
	folders, err = filepath.Glob(filepath.Join(dir, folderPrefix+"*"))
	require.NoError(t, err)
	require.Len(t, folders, 1, "the old data are removed")
}

func TestCloseWaits(t *testing.T) {
	x, _ := built(t, animals, DefaultOptions())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				if _, err := x.Search(t.Context(), []string{"cat", "dog"}, 2); err != nil {
					if !errors.Is(err, ErrClosed) {
						t.Error(err)
					}
					return
				}
			}
		})
	}
	require.NoError(t, x.Close())
	wg.Wait()
	require.NoError(t, x.Close(), "a second time does nothing")
}

func Example() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	if _, err := BuildFrom(context.Background(), stream(animals), "animals", dir, DefaultOptions()); err != nil {
		fmt.Println(err)
		return
	}
	x, err := Open(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer x.Close()
	found, err := x.Search(context.Background(), []string{"Which dog barks?"}, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s %.3f\n", found[0][0].Title, found[0][0].Score)
	// Output: Dog 0.777
}

// Passages come back by their place, and only while the index is open.
func TestDocument(t *testing.T) {
	x, _ := built(t, animals, DefaultOptions())
	for i, want := range animals {
		doc, err := x.Document(i)
		require.NoError(t, err)
		require.Equal(t, want, doc)
	}
	for _, i := range []int{-1, len(animals)} {
		_, err := x.Document(i)
		require.ErrorContains(t, err, "of 4")
	}
	require.NoError(t, x.Close())
	_, err := x.Document(0)
	require.ErrorIs(t, err, ErrClosed)
}
