package weaviate

import (
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"iter"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

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

// importVariable names, to the process that the cluster test kills, the nodes and the state file.
const importVariable = "SEARCHRL_TEST_IMPORT"

// realPassages are the first passages of the data and their vectors.
func realPassages(t *testing.T) (corpus []retrieval.Document, vectors func(context.Context, []retrieval.Document) ([][]float32, error)) {
	dir := filepath.Join(shared.Dir(t), "data")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no real data: %v", err)
	}
	corpus, err := retrieval.OpenCorpus(filepath.Join(dir, "corpus.jsonl.gz"))
	require.NoError(t, err)
	return corpus[:corpusPart], func(_ context.Context, docs []retrieval.Document) ([][]float32, error) {
		out := make([][]float32, len(docs))
		for i, d := range docs {
			out[i] = hashed(d.Title + "\n" + d.Text)
		}
		return out, nil
	}
}

// hashed is a vector that needs no model: each word adds one of ±1 to 2 of 64 elements; of length 1.
func hashed(text string) []float32 {
	v := make([]float32, 64)
	retrieval.Words(text, func(word []byte) {
		h := fnv.New32a()
		_, _ = h.Write(word)
		n := h.Sum32()
		v[n%64] += 1 - 2*float32(n>>6&1)
		v[n>>7%64] += 1 - 2*float32(n>>13&1)
	})
	length := math.Sqrt(inner(v, v))
	for i := range v {
		v[i] /= float32(max(length, 1e-9))
	}
	return v
}

func inner(a, b []float32) float64 {
	sum := 0.0
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

// TestImporter is the process that TestCluster kills.
func TestImporter(t *testing.T) {
	nodes, state, ok := strings.Cut(os.Getenv(importVariable), " ")
	if !ok {
		t.Skip("a part of TestCluster")
	}
	corpus, vectors := realPassages(t)
	c, err := NewClient(Options{Nodes: strings.Split(nodes, ",")})
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.Import(t.Context(), "Part", each(corpus), ImportOptions{State: state, Batch: 300, Vectors: vectors}))
}

// killImporter imports into Part in a process of its own, kills it once half of the passages are noted as done, and returns
// how many were.
func killImporter(t *testing.T, nodes []string, path string) int {
	self, err := os.Executable()
	require.NoError(t, err)
	importer := exec.Command(self, "-test.run", "^TestImporter$")
	importer.Env = append(os.Environ(), importVariable+"="+strings.Join(nodes, ",")+" "+path)
	importer.Stdout, importer.Stderr = os.Stderr, os.Stderr
	require.NoError(t, importer.Start())
	defer func() {
		_ = importer.Process.Kill()
		require.Error(t, importer.Wait(), "the importer ended before it was killed: this test tested nothing")
	}()
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		s, err := readState(path, "Part")
		require.NoError(t, err)
		if s.Done >= corpusPart/2 {
			return s.Done
		}
	}
	t.Fatal("the importer is not half way after 3 minutes")
	return 0
}

// TestCluster imports a part of the real corpus into three nodes with three copies, kills the importer and goes on with the
// import, compares words, vectors and both with exact search on this machine, and kills a node while queries run: none may
// fail and no result may change.
func TestCluster(t *testing.T) {
	corpus, makeVectors := realPassages(t)
	nodes, script := startServer(t, 3)
	known := map[string]bool{}
	byID := map[string]retrieval.Document{}
	for _, d := range corpus {
		known[d.ID], byID[d.ID] = true, d
	}
	questions := readQuestions(t, filepath.Join(shared.Dir(t), "data"), known)
	require.Greater(t, len(questions), 100)
	queries := make([]string, len(questions))
	for i, q := range questions {
		queries[i] = q.text
	}

	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	c, err := NewClient(Options{Nodes: nodes, Tries: 12})
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.Ready(ctx))
	require.NoError(t, c.CreateCollection(ctx, Collection{Name: "Part", Shards: 3, Replicas: 3}))
	require.NoError(t, c.CreateCollection(ctx, Collection{Name: "Whole", Shards: 1, Replicas: 3}))

	opts := ImportOptions{State: filepath.Join(t.TempDir(), "state.json"), Batch: 300, Vectors: makeVectors}
	start := time.Now()
	done := killImporter(t, nodes, opts.State)
	first := 0
	opts.Progress = func(done int) {
		if first == 0 {
			first = done
		}
	}
	opts.Settle = -1 // the other import waits for both
	require.NoError(t, c.Import(ctx, "Part", each(corpus), opts))
	require.GreaterOrEqual(t, first, done+300, "the import did not go on where it was killed")
	t.Logf("imported %d passages, killed after %d, in %.1f s", corpusPart, done, time.Since(start).Seconds())
	require.NoError(t, c.Import(ctx, "Whole", each(corpus), ImportOptions{}))
	for _, name := range []string{"Part", "Whole"} {
		for _, node := range nodes { // each has a copy of everything
			one, err := NewClient(Options{Nodes: []string{node}})
			require.NoError(t, err)
			count, err := one.Count(ctx, name)
			one.Close()
			require.NoError(t, err)
			require.Equal(t, corpusPart, count, "%s on %s", name, node)
		}
	}

	local, err := retrieval.NewBM25(corpus)
	require.NoError(t, err)
	want, err := local.Search(ctx, queries, 10)
	require.NoError(t, err)
	search := func(s retrieval.Searcher) [][]retrieval.Hit {
		results, err := s.Search(ctx, queries, 10)
		require.NoError(t, err)
		for _, hits := range results {
			for _, h := range hits {
				require.Equal(t, byID[h.ID], h.Document)
			}
		}
		return results
	}
	// One shard has the statistics of the whole corpus, so with words split as Weaviate does, hits and scores are those of this
	// machine. Three shards have statistics of their own: other scores, and other hits where these are close.
	whole := search(c.Words("Whole"))
	alike, err := retrieval.NewBM25(corpus, retrieval.WithAnalyzer(weaviateWords))
	require.NoError(t, err)
	same, err := alike.Search(ctx, queries, 10)
	require.NoError(t, err)
	for i := range same {
		requireSame(t, same[i], whole[i], 1e-5)
	}
	words := c.Words("Part").WithConsistency("QUORUM")
	before := search(words)
	t.Logf("%d questions: a supporting passage among 10 for %.3f locally, %.3f by one shard, %.3f by three; of the local hits three shards found %.3f",
		len(questions), recall(questions, want), recall(questions, whole), recall(questions, before), overlap(want, before))
	require.InDelta(t, recall(questions, want), recall(questions, before), 0.03)
	require.Greater(t, overlap(want, before), 0.9)

	encode := func(_ context.Context, queries []string) ([][]float32, error) {
		out := make([][]float32, len(queries))
		for i, q := range queries {
			out[i] = hashed(q)
		}
		return out, nil
	}
	nearest := exactly(corpus, queries, 10)
	vectors := c.Vectors("Part", encode)
	found := overlap(nearest, search(vectors))
	t.Logf("of the 10 nearest by exact search, Weaviate's graph finds %.3f", found)
	require.Greater(t, found, 0.95)
	both := func(alpha float64) retrieval.Searcher {
		s, err := c.Hybrid("Part", encode, alpha)
		require.NoError(t, err)
		return s
	}
	require.Greater(t, overlap(before, search(both(0))), 0.999) // words alone
	require.Greater(t, overlap(nearest, search(both(1))), 0.95) // vectors alone
	t.Logf("a supporting passage among 10 for %.3f by vectors of hashed words, %.3f by words and vectors",
		recall(questions, nearest), recall(questions, search(both(0.5))))

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
		after := search(words)
		for i := range before {
			requireSame(t, before[i], after[i], 1e-6)
		}
		require.Greater(t, overlap(nearest, search(vectors)), 0.95)
	}
	t.Logf("%d rounds of %d queries by words and by vectors, one of three nodes killed during them: none failed, none changed", rounds, len(queries))
	count, err := c.Count(ctx, "Part")
	require.NoError(t, err)
	require.Equal(t, corpusPart, count)
}

// weaviateWords splits words where Weaviate does: at combining marks too.
func weaviateWords(text string, emit func(word []byte)) {
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) }) {
		emit([]byte(strings.ToLower(word)))
	}
}

// requireSame compares two lists of hits: the same scores, up to a relative error, and the same passages for every score that
// is not equal to the last one.
func requireSame(t *testing.T, want, got []retrieval.Hit, relative float64) {
	require.Len(t, got, len(want))
	ids := map[string]bool{}
	for i, h := range got {
		require.InEpsilon(t, want[i].Score, h.Score, relative, "hit %d is %s, expected %s", i, h.ID, want[i].ID)
		ids[h.ID] = true
	}
	for _, h := range want {
		if h.Score > want[len(want)-1].Score*(1+2*relative) {
			require.Contains(t, ids, h.ID)
		}
	}
}

// overlap is the share of the hits wanted that are there.
func overlap(want, got [][]retrieval.Hit) float64 {
	there, all := 0, 0
	for i := range want {
		ids := map[string]bool{}
		for _, h := range got[i] {
			ids[h.ID] = true
		}
		for _, h := range want[i] {
			all++
			if ids[h.ID] {
				there++
			}
		}
	}
	return float64(there) / float64(all)
}

// exactly searches the hashed vectors by comparing with all.
func exactly(corpus []retrieval.Document, queries []string, k int) [][]retrieval.Hit {
	vectors := make([][]float32, len(corpus))
	for i, d := range corpus {
		vectors[i] = hashed(d.Title + "\n" + d.Text)
	}
	out := make([][]retrieval.Hit, len(queries))
	for i, q := range queries {
		v := hashed(q)
		hits := make([]retrieval.Hit, len(corpus))
		for j, d := range corpus {
			hits[j] = retrieval.Hit{Document: d, Score: inner(v, vectors[j])}
		}
		slices.SortStableFunc(hits, func(a, b retrieval.Hit) int { return cmp.Compare(b.Score, a.Score) })
		out[i] = hits[:k]
	}
	return out
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
		require.NoError(t, c.Import(ctx, "Towns", each(corpus), ImportOptions{Settle: -1, Vectors: func(_ context.Context, docs []retrieval.Document) ([][]float32, error) {
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
	require.InDelta(t, want[0][0].Score, results[0][0].Score, 1e-5)

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
