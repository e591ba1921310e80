package weaviate

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"searchrl/internal/shared"
	"searchrl/retrieval"
)

// startServer starts Weaviate with scripts/weaviate.sh and returns the nodes and the script's command line. It skips the
// test where there is no server.
func startServer(t *testing.T, nodes int) (addresses []string, script func(args ...string) string) {
	server := os.Getenv("WEAVIATE")
	if server == "" {
		server, _ = exec.LookPath("weaviate-server")
	}
	if server == "" {
		t.Skip("weaviate-server is neither in PATH nor named by WEAVIATE; scripts/weaviate.sh says how to get it")
	}
	if testing.Short() {
		t.Skip("starts servers, which takes half a minute")
	}
	_, file, _, _ := runtime.Caller(0)
	path := filepath.Join(filepath.Dir(file), "..", "..", "scripts", "weaviate.sh")
	dir := filepath.Join(t.TempDir(), "weaviate")
	script = func(args ...string) string {
		cmd := exec.Command(path, append([]string{args[0], dir}, args[1:]...)...)
		cmd.Env = append(os.Environ(), "WEAVIATE="+server)
		out, err := cmd.Output()
		if failed, ok := err.(*exec.ExitError); ok {
			t.Fatalf("weaviate.sh %v: %v\n%s", args, err, failed.Stderr)
		}
		require.NoError(t, err)
		return string(out)
	}
	t.Cleanup(func() { script("clean") })
	addresses = strings.Fields(script("start", strconv.Itoa(nodes), strconv.Itoa(freePort(t))))
	require.Len(t, addresses, nodes)
	return addresses, script
}

// freePort returns a port that is free, below those that systems hand out, and so are likely the few after it.
func freePort(t *testing.T) int {
	for port := 21000 + os.Getpid()%10000; port < 32000; port += 50 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			require.NoError(t, l.Close())
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

// corpusPart is how many passages of the corpus the test imports.
const corpusPart = 6000

// question is one whose supporting passages are all in that part.
type question struct {
	text       string
	supporting map[string]bool
}

func readQuestions(t *testing.T, dir string, known map[string]bool) []question {
	paths, err := filepath.Glob(filepath.Join(dir, "questions", "*.dev.jsonl.gz"))
	require.NoError(t, err)
	var out []question
	for _, path := range paths {
		file, err := os.Open(path)
		require.NoError(t, err)
		unzipped, err := gzip.NewReader(file)
		require.NoError(t, err)
		for lines := json.NewDecoder(unzipped); lines.More(); {
			var row struct {
				Question   string `json:"question"`
				Supporting []struct {
					ID string `json:"id"`
				} `json:"supporting"`
			}
			require.NoError(t, lines.Decode(&row))
			q := question{row.Question, map[string]bool{}}
			for _, s := range row.Supporting {
				if known[s.ID] {
					q.supporting[s.ID] = true
				}
			}
			if n := len(q.supporting); n > 0 && n == len(row.Supporting) {
				out = append(out, q)
			}
		}
		require.NoError(t, file.Close())
	}
	return out
}

// recall is the share of questions with a supporting passage among the hits.
func recall(questions []question, results [][]retrieval.Hit) float64 {
	found := 0
	for i, q := range questions {
		for _, h := range results[i] {
			if q.supporting[h.ID] {
				found++
				break
			}
		}
	}
	return float64(found) / float64(len(questions))
}

// TestCluster imports a part of the real corpus into three nodes with three copies, breaks the import off and goes on with
// it, compares recall with the index in memory, and kills a node while queries run: none may fail and no result may change.
func TestCluster(t *testing.T) {
	dir := filepath.Join(shared.Dir(t), "data")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no real data: %v", err)
	}
	nodes, script := startServer(t, 3)
	corpus, err := retrieval.OpenCorpus(filepath.Join(dir, "corpus.jsonl.gz"))
	require.NoError(t, err)
	corpus = corpus[:corpusPart]
	known := map[string]bool{}
	for _, d := range corpus {
		known[d.ID] = true
	}
	questions := readQuestions(t, dir, known)
	require.Greater(t, len(questions), 100)
	queries := make([]string, len(questions))
	for i, q := range questions {
		queries[i] = q.text
	}

	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Minute)
	defer cancel()
	c, err := NewClient(Options{Nodes: nodes, Tries: 12})
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.Ready(ctx))
	require.NoError(t, c.CreateCollection(ctx, Collection{Name: "Part", Shards: 3, Replicas: 3}))

	opts := ImportOptions{State: filepath.Join(t.TempDir(), "state.json"), Batch: 300, Consistency: "ALL"}
	start := time.Now()
	broken := func(yield func(retrieval.Document, error) bool) {
		each(corpus[:corpusPart/2])(yield)
		yield(retrieval.Document{}, fmt.Errorf("the disk is gone"))
	}
	require.ErrorContains(t, c.Import(ctx, "Part", broken, opts), "the disk is gone")
	require.NoError(t, c.Import(ctx, "Part", each(corpus), opts))
	t.Logf("imported %d passages in %.1f s", corpusPart, time.Since(start).Seconds())
	count, err := c.Count(ctx, "Part")
	require.NoError(t, err)
	require.Equal(t, corpusPart, count)

	local, err := retrieval.NewBM25(corpus)
	require.NoError(t, err)
	want, err := local.Search(ctx, queries, 10)
	require.NoError(t, err)
	searcher := c.Words("Part").WithConsistency("QUORUM")
	before, err := searcher.Search(ctx, queries, 10)
	require.NoError(t, err)
	a, b := recall(questions, want), recall(questions, before)
	t.Logf("%d questions: recall at 10 of any supporting passage %.3f locally, %.3f by Weaviate", len(questions), a, b)
	require.InDelta(t, a, b, 0.03)
	byID := map[string]retrieval.Document{}
	for _, d := range corpus {
		byID[d.ID] = d
	}
	for _, hits := range before {
		for _, h := range hits {
			require.Equal(t, byID[h.ID], h.Document)
		}
	}

	killed := make(chan struct{})
	go func() {
		defer close(killed)
		time.Sleep(300 * time.Millisecond)
		script("kill", "2")
	}()
	rounds := 0
	for dead := false; !dead || rounds < 3; rounds++ { // at least once after the node is gone
		select {
		case <-killed:
			dead = true
		default:
		}
		after, err := searcher.Search(ctx, queries, 10)
		require.NoError(t, err)
		require.Equal(t, ids(before), ids(after), "round %d", rounds)
	}
	t.Logf("%d rounds of %d queries, one of three nodes killed during them: none failed, none changed", rounds, len(queries))
	count, err = c.Count(ctx, "Part")
	require.NoError(t, err)
	require.Equal(t, corpusPart, count)
}

// each yields documents.
func each(docs []retrieval.Document) iter.Seq2[retrieval.Document, error] {
	return func(yield func(retrieval.Document, error) bool) {
		for _, d := range docs {
			if !yield(d, nil) {
				return
			}
		}
	}
}

func ids(results [][]retrieval.Hit) [][]string {
	out := make([][]string, len(results))
	for i, hits := range results {
		for _, h := range hits {
			out[i] = append(out[i], h.ID)
		}
	}
	return out
}

// TestOneNode: words, vectors and both on one node, with vectors of our own.
func TestOneNode(t *testing.T) {
	nodes, _ := startServer(t, 1)
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	c, err := NewClient(Options{Nodes: nodes})
	require.NoError(t, err)
	defer c.Close()
	corpus := []retrieval.Document{
		{ID: "1", Title: "Ghent", Text: "Ghent is a city.\nIt has \"canals\"."}, {ID: "2", Title: "Bruges", Text: "Bruges is a town."}, {ID: "3", Text: "Nobody knows {this} \\ one."},
	}
	vectors := map[string][]float32{"1": {1, 0, 0}, "2": {0, 1, 0}, "3": {0, 0, 1}}
	encode := func(_ context.Context, queries []string) ([][]float32, error) {
		out := make([][]float32, len(queries))
		for i := range out {
			out[i] = []float32{0, 0.6, 0.8}
		}
		return out, nil
	}
	require.NoError(t, c.CreateCollection(ctx, Collection{Name: "Towns"}))
	require.ErrorContains(t, c.CreateCollection(ctx, Collection{Name: "Towns"}), "already")
	for range 2 { // importing again changes nothing
		require.NoError(t, c.Import(ctx, "Towns", each(corpus), ImportOptions{Vectors: func(_ context.Context, docs []retrieval.Document) ([][]float32, error) {
			var out [][]float32
			for _, d := range docs {
				out = append(out, vectors[d.ID])
			}
			return out, nil
		}}))
		count, err := c.Count(ctx, "Towns")
		require.NoError(t, err)
		require.Equal(t, 3, count)
	}
	results, err := c.Words("Towns").Search(ctx, []string{`the "city" {of} Ghent \`, "nothing", "towns"}, 3)
	require.NoError(t, err)
	require.Equal(t, [][]string{{"1"}, nil, nil}, ids(results))
	require.Equal(t, corpus[0], results[0][0].Document)
	local, err := retrieval.NewBM25(corpus)
	require.NoError(t, err)
	want, err := local.Search(ctx, []string{"city of Ghent"}, 1)
	require.NoError(t, err)
	t.Logf("score %.6f, locally %.6f", results[0][0].Score, want[0][0].Score)

	results, err = c.Vectors("Towns", encode).Search(ctx, []string{"x"}, 3)
	require.NoError(t, err)
	require.Equal(t, [][]string{{"3", "2", "1"}}, ids(results))
	require.InDelta(t, 0.8, results[0][0].Score, 1e-6)
	both, err := c.Hybrid("Towns", encode, 0.5)
	require.NoError(t, err)
	results, err = both.Search(ctx, []string{"Ghent"}, 3)
	require.NoError(t, err)
	require.Len(t, results[0], 3)
	require.NoError(t, c.DeleteCollection(ctx, "Towns"))
	require.NoError(t, c.DeleteCollection(ctx, "Towns"))
	_, err = c.Words("Towns").Search(ctx, []string{"x"}, 1)
	require.Error(t, err)
}
