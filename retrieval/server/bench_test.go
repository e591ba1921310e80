package server

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"searchrl/internal/shared"
	"searchrl/qa"
	"searchrl/retrieval"
	"searchrl/retrieval/index"
	"searchrl/retrieval/wire"
)

// BenchmarkClients is a load test: 64 clients ask a server on the loopback device, over an index of the evaluation pack's
// corpus, for the 3 best passages of one dev question a request, each as soon as its last one is answered. Clients and
// server share the machine, so the figures are what both cost together. Any failure ends it. The heap is of both, after a
// garbage collection, once every question was asked and at the end.
func BenchmarkClients(b *testing.B) {
	const clients = 64
	data := filepath.Join(shared.Dir(b), "data")
	dir := filepath.Join(b.TempDir(), "index")
	options := index.DefaultOptions()
	analysis, err := retrieval.NamedAnalysis("bm25s")
	require.NoError(b, err)
	options.Analysis = analysis
	_, err = index.Build(b.Context(), filepath.Join(data, "corpus.jsonl.gz"), dir, options)
	require.NoError(b, err)
	x, err := index.Open(dir)
	require.NoError(b, err)
	defer x.Close()
	var bodies [][]byte
	for _, name := range []string{"nq", "hotpotqa", "musique"} {
		questions, err := qa.OpenQuestions(filepath.Join(data, "questions", name+".dev.jsonl.gz"))
		require.NoError(b, err)
		for _, q := range questions {
			body, err := json.Marshal(wire.Request{Queries: []string{q.Text}, TopK: 3, ReturnScores: true})
			require.NoError(b, err)
			bodies = append(bodies, body)
		}
	}
	h := start(b, x)
	transport := &http.Transport{MaxIdleConnsPerHost: clients}
	defer transport.CloseIdleConnections()
	ask := func(n int) error {
		r, err := (&http.Client{Transport: transport}).Post(h.URL+"/retrieve", "application/json", bytes.NewReader(bodies[n%len(bodies)]))
		if err != nil {
			return err
		}
		defer r.Body.Close()
		reply, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		_, err = wire.ParseReply(reply, 1, 3) // an error status has no result either
		return err
	}
	// serve lets the clients ask as long as there is more, and returns how long each took, in rising order.
	serve := func(more func() bool) (took []time.Duration, failed int) {
		requests := make(chan int)
		var mu sync.Mutex
		var group sync.WaitGroup
		for range clients {
			group.Go(func() {
				for n := range requests {
					begun := time.Now()
					err := ask(n)
					mu.Lock()
					took = append(took, time.Since(begun))
					if err != nil {
						failed++
						b.Error(err)
					}
					mu.Unlock()
				}
			})
		}
		for n := 0; more(); n++ {
			requests <- n
		}
		close(requests)
		group.Wait()
		slices.Sort(took)
		return took, failed
	}
	heap := func() float64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC() // pools survive one
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc) / (1 << 20)
	}

	warm := len(bodies)
	serve(func() bool { warm--; return warm >= 0 })
	before, begun := heap(), time.Now()
	took, failed := serve(b.Loop)
	seconds := time.Since(begun).Seconds()
	ms := func(q float64) float64 { return took[int(q*float64(len(took)-1))].Seconds() * 1e3 }
	b.ReportMetric(float64(len(took))/seconds, "requests/s")
	b.ReportMetric(ms(0.5), "p50-ms")
	b.ReportMetric(ms(0.99), "p99-ms")
	b.ReportMetric(float64(failed), "errors")
	took = nil // not the server's
	b.ReportMetric(before, "heap-before-MiB")
	b.ReportMetric(heap(), "heap-after-MiB")
}
